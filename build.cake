// dotnet tool restore && dotnet cake [--target=Test]
#nullable enable
using System.Globalization;
using System.Xml.Linq;

var target = Argument("target", "Default");
var configuration = Argument("configuration", "Release");
var results = Directory("artifacts/tests");
var packages = Directory("artifacts/packages");
const string Cli = "src/LoraOps.Cli/LoraOps.Cli.csproj";
const string Recipe = "fixtures/bev-vit/recipe.yaml";
const double LeastCoverage = 0.90;

Task("Clean").Does(() =>
{
    CleanDirectory("artifacts");
    CleanDirectories($"src/*/bin/{configuration}");
    CleanDirectories($"tests/*/bin/{configuration}");
});

Task("Build").IsDependentOn("Clean").Does(() =>
    DotNetBuild("LoraOps.sln", new() { Configuration = configuration, NoLogo = true }));

Task("Test").IsDependentOn("Build").Does(() => DotNetTest("LoraOps.sln", new()
{
    Configuration = configuration,
    NoBuild = true,
    NoLogo = true,
    Settings = "tests/coverage.runsettings",
    ResultsDirectory = results,
    Loggers = ["trx"],
}));

// The reports of all test projects together: a line is covered if any of them ran it.
Task("Coverage").IsDependentOn("Test").Does(() =>
{
    var lines = (
        from report in GetFiles($"{results}/**/coverage.cobertura.xml").Select(f => XDocument.Load(f.FullPath))
        let roots = report.Descendants("source").Select(s => s.Value).ToList()
        from type in report.Descendants("class")
        let name = (string)type.Attribute("filename")!
        let file = roots.Select(r => System.IO.Path.Combine(r, name)).FirstOrDefault(System.IO.File.Exists) ?? name
        from line in type.Element("lines")!.Elements("line")
        group (int)line.Attribute("hits")! > 0 by (File: file, Line: (int)line.Attribute("number")!) into hits
        select (hits.Key.File, Covered: hits.Any(h => h))).ToList();
    if (lines.Count == 0)
        throw new CakeException($"No coverage report lies in {results}.");

    foreach (var file in lines.GroupBy(l => l.File).OrderByDescending(f => f.Count(l => !l.Covered)).Take(10))
        Information($"{file.Count(l => !l.Covered),5} of {file.Count(),4} lines not covered: {System.IO.Path.GetFileName(file.Key)}");
    var covered = lines.Count(l => l.Covered) / (double)lines.Count;
    Information(string.Create(CultureInfo.InvariantCulture, $"Line coverage of src: {covered:P2} of {lines.Count} lines"));
    if (covered < LeastCoverage)
        throw new CakeException(string.Create(CultureInfo.InvariantCulture, $"Line coverage is under {LeastCoverage:P0}."));
});

Task("Demo").IsDependentOn("Build").Does(() =>
    DotNetRun(Cli, $"run {Recipe} --overwrite", new() { Configuration = configuration, NoBuild = true }));

// Packs the command as a .NET tool, installs it from that package into an empty folder, and runs it there.
Task("Pack").IsDependentOn("Build").Does(() =>
{
    CleanDirectory(packages);
    DotNetPack(Cli, new() { Configuration = configuration, NoLogo = true, OutputDirectory = packages });
    var tool = Directory("artifacts/tool");
    CleanDirectory(tool);
    var version = XmlPeek("src/Directory.Build.props", "/Project/PropertyGroup/Version");
    if (StartProcess("dotnet", $"tool install LoraOps.Cli --tool-path {tool} --add-source {packages} --version {version}") != 0)
        throw new CakeException("The package does not install.");
    if (!GetFiles($"{tool}/.store/**/*onnxruntime*").Any(f => f.GetExtension() is ".so" or ".dylib" || f.GetFilename() == "onnxruntime.dll"))
        throw new CakeException("The package holds no native ONNX Runtime library.");

    var loraops = System.IO.Path.Combine(tool, "loraops");
    if (StartProcess(loraops, $"run {Recipe} --overwrite") != 0)
        throw new CakeException("The installed tool does not run.");
});

Task("Default").IsDependentOn("Test").IsDependentOn("Coverage").IsDependentOn("Demo").IsDependentOn("Pack");

RunTarget(target);
