using System.CommandLine;
using LoraOps.Adapters;
using LoraOps.Bundles;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.HandOff;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops bundle create FILE… -o DIR</c></summary>
internal sealed class BundleCreateCommand : Verb
{
    private readonly Argument<string[]> _files = new("FILE")
    {
        Description = "What ships: models (their .data goes with them), label lists, anything. A folder gives its files.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _output = OutputPlace.Option("DIR", "The bundle to make.");
    private readonly Option<string?> _name = new("--name") { Description = "What to call it; the name of DIR if left out.", HelpName = "NAME" };
    private readonly AdapterOptions _adapters = new(required: false);
    private readonly Option<string?> _base = new("--base") { Description = "The base model that the adapters were put into.", HelpName = "BASE.onnx" };
    private readonly Option<string?> _chip = new("--chip") { Description = "The chip that it is for.", HelpName = "NAME" };

    private readonly Option<string[]> _parity = new("--parity")
    {
        Description = "The document that 'validate --json' wrote, any number of times.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public BundleCreateCommand()
        : base("create", "Put files into a bundle with a manifest and their digests.")
    {
        Add(_files);
        Add(_output);
        Add(_name);
        _adapters.AddTo(this);
        foreach (var option in new Option[] { _base, _chip, _parity, _overwrite, _dryRun })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var output = parsed.GetRequiredValue(_output);
        var overwrite = parsed.GetValue(_overwrite);
        var files = parsed.GetRequiredValue(_files).SelectMany(Expand).DistinctBy(file => file.Source).ToArray();
        var problems = BundleWriter.Check(files).Concat(new[] { StagedOutput.Obstacle(output, overwrite) }.OfType<Problem>()).ToList();
        var models = problems.Count == 0 ? new ShippedModels([.. files.Select(file => file.Source)]) : null;
        problems.AddRange(models?.Check() ?? []);
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var manifest = Manifest(parsed, _adapters.Read(parsed, residualBase: true), output, models?.Form) with { Compile = Commands(parsed, files) };
        stop.ThrowIfCancellationRequested();
        if (parsed.GetValue(_dryRun))
        {
            return new Answer(new Sheet()
                .Add("path", output)
                .Add("name", manifest.Name)
                .Add("written", false)
                .AddGrid("files", ["file", "bytes"], files.Select(file => new Cell[] { file.Path, Cell.Bytes(new FileInfo(file.Source).Length) })));
        }

        BundleWriter.Write(output, files, manifest, overwrite);
        return new Answer(BundleSheet.Of(output).Add("written", true));
    }

    private BundleManifest Manifest(ParseResult parsed, IReadOnlyList<WeightedAdapter> adapters, string output, string? form)
    {
        var chip = parsed.GetValue(_chip) is { } name ? ChipProfiles.Find(name) : null;
        return new BundleManifest
        {
            Name = parsed.GetValue(_name) ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(output))),
            Form = form ?? (adapters.Count > 0 ? "merged" : null),
            Adapters = [.. adapters.Select(one =>
                new ManifestAdapter(one.Adapter.Name, one.Adapter.Digest, one.Adapter.Config.BaseModel, one.Weight))],
            Base = parsed.GetValue(_base) is { } file
                ? new ManifestOrigin(new ManifestInput(Path.GetFileName(file), Digest.OfFile(file)), null)
                : null,
            Chip = chip is null ? null : new ManifestChip(chip.Name, chip.Digest),
            Parity = [.. (parsed.GetValue(_parity) ?? []).Select(ParityDocument.Read)],
        };
    }

    // The page beside a quantized model has its commands with the shapes filled in.
    private IReadOnlyList<string>? Commands(ParseResult parsed, BundleFile[] files)
    {
        if (files.FirstOrDefault(file => file.Path.EndsWith(HandOffNames.PageEnding, StringComparison.Ordinal)) is { } page)
            return CompilePage.CommandsOf(page.Source);

        var models = files.Where(file => file.Path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)).ToList();
        return parsed.GetValue(_chip) is { } name && ChipProfiles.Find(name) is { Compile.Count: > 0 } chip
            ? models.Count == 1 ? CompileCommands.Of(chip, models[0].Path) : chip.Compile
            : null;
    }

    private static IEnumerable<BundleFile> Expand(string path)
    {
        if (Directory.Exists(path))
        {
            return Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .Select(file => new BundleFile(Path.GetRelativePath(path, file).Replace('\\', '/'), Path.GetFullPath(file)));
        }

        return new[] { path, path + ".data" }
            .Where((file, index) => index == 0 || File.Exists(file))
            .Select(file => new BundleFile(Path.GetFileName(file), Path.GetFullPath(file)));
    }
}
