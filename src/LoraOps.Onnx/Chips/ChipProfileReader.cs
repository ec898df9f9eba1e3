using System.Text.Json;
using LoraOps.Bundles;
using LoraOps.Problems;

namespace LoraOps.Onnx.Chips;

/// <summary>Reads a chip profile; an unknown, missing or wrong field is a problem, and all of them are told at once.</summary>
internal static class ChipProfileReader
{
    private const long MaxBytes = 1 << 20;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    public static ChipProfile Load(string path)
    {
        if (!File.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        if (new FileInfo(path).Length > MaxBytes)
            throw new LoraOpsException(ChipProblems.ProfileInvalid(path, "", "is larger than 1 MiB"));

        return Parse(File.ReadAllBytes(path), path);
    }

    public static ChipProfile Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            var problems = new List<Problem>();
            var profile = Read(new JsonFields(file, "", document.RootElement, problems));
            Check(profile, file, problems);
            return problems.Count == 0 ? profile with { Digest = Digest.OfBytes(json.Span) } : throw new LoraOpsException(problems);
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException)
        {
            throw new LoraOpsException(ChipProblems.ProfileInvalid(file, "", $"is no JSON: {damage.Message}"));
        }
    }

    private static ChipProfile Read(JsonFields root)
    {
        var profile = new ChipProfile
        {
            Name = root.Text("name"),
            Vendor = root.Text("vendor"),
            Sdk = root.Text("sdk"),
            Description = root.Text("description"),
            Activations = Activations(root.Object("activations")),
            Weights = Weights(root.Object("weights")),
            Bias = root.Choice<BiasPolicy>("bias"),
            WeightedOps = root.Texts("weightedOps"),
            OutputOps = root.Texts("outputOps"),
            RemovableActivations = root.Texts("removableActivations"),
            SameScaleOps = root.Texts("sameScaleOps"),
            MinChannels = root.Integer("minChannels"),
            SkipVectorProducts = root.Flag("skipVectorProducts"),
            HalfPrecisionRest = root.Flag("halfPrecisionRest"),
            Opset = Opset(root.Object("opset")),
            MaxIrVersion = root.Integer("maxIrVersion"),
            Names = root.Choice<NamePolicy>("names"),
            Gates = root.Texts("gates"),
            Compile = root.Texts("compile"),
            Rules = root.Choices<Severity>("rules"),
        };
        root.RefuseOthers();
        return profile;
    }

    private static ActivationScheme Activations(JsonFields fields)
    {
        var scheme = new ActivationScheme(
            fields.Choice<ActivationType>("type"), fields.Flag("symmetric"), fields.Number("minRealRange"));
        fields.RefuseOthers();
        return scheme;
    }

    private static WeightScheme Weights(JsonFields fields)
    {
        var scheme = new WeightScheme(
            fields.Flag("perChannel"), fields.Flag("reducedRange"), fields.Choice<WeightStorage>("storage"));
        fields.RefuseOthers();
        return scheme;
    }

    private static OpsetRange Opset(JsonFields fields)
    {
        var range = new OpsetRange(fields.Integer("min"), fields.Integer("max"));
        fields.RefuseOthers();
        return range;
    }

    private static void Check(ChipProfile profile, string file, List<Problem> problems)
    {
        if (profile.Name.Length > 0 && !IsKebabCase(profile.Name))
            Add("name", $"is '{profile.Name}', names are kebab-case");

        if (!double.IsFinite(profile.Activations.MinRealRange) || profile.Activations.MinRealRange < 0)
            Add("activations.minRealRange", "must be a number of at least 0");

        foreach (var op in profile.WeightedOps.Except(["Conv", "MatMul", "Gemm"]))
            Add("weightedOps", $"names '{op}', allowed are Conv, MatMul and Gemm");

        foreach (var op in profile.OutputOps.Except(profile.WeightedOps))
            Add("outputOps", $"names '{op}', which is not one of weightedOps");

        foreach (var op in profile.RemovableActivations.Except(["Relu", "Clip"]))
            Add("removableActivations", $"names '{op}', allowed are Relu and Clip");

        // A symmetric signed type has codes below zero, so nothing clips what a Relu would have.
        if (profile.RemovableActivations.Count > 0 && profile.Activations.Symmetric)
            Add("removableActivations", "must be empty where activations are symmetric");

        foreach (var rule in profile.Rules.Keys.Where(id => ChipRules.All.All(known => known.Id != id)))
            Add("rules", $"names '{rule}', which is no rule of LoraOps");

        void Add(string field, string what) => problems.Add(ChipProblems.ProfileInvalid(file, field, what));
    }

    private static bool IsKebabCase(string name) =>
        name.Split('-').All(part => part.Length > 0 && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)));
}
