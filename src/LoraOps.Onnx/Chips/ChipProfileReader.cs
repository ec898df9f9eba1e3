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
            ChipProfileChecks.Check(profile, file, problems);
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
            Weights = Weights(root.Object("weights"), root.Texts("weightedOps")),
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
        profile = WithOptional(profile, root);
        root.RefuseOthers();
        return profile;
    }

    // Files that were written before these fields existed stay what they were.
    private static ChipProfile WithOptional(ChipProfile profile, JsonFields root) => profile with
    {
        Precisions = root.Has("precisions")
            ? root.ChoiceList<LayerPrecision>("precisions")
            : [LayerPrecision.Int8, profile.HalfPrecisionRest ? LayerPrecision.Half : LayerPrecision.Float],
        Until = root.Has("until") ? root.Texts("until") : profile.Until,
        Schemes = root.Has("schemes") ? root.Texts("schemes") : profile.Schemes,
        QuantizedOps = root.Has("quantizedOps") ? root.Texts("quantizedOps") : profile.QuantizedOps,
        FloatOps = root.Has("floatOps") ? root.TextMap("floatOps") : profile.FloatOps,
        SupportedOps = root.Has("supportedOps") ? root.Texts("supportedOps") : profile.SupportedOps,
        HostOps = root.Has("hostOps") ? root.TextMap("hostOps") : profile.HostOps,
        FixedRanges = root.Has("fixedRanges") ? root.Ranges("fixedRanges") : profile.FixedRanges,
        Shapes = root.Has("shapes") ? Shapes(root.Object("shapes")) : null,
        Alignment = root.Has("alignment") ? root.Integer("alignment") : profile.Alignment,
        HandOff = root.Has("handOff") ? root.Texts("handOff") : profile.HandOff,
        Target = root.Has("target") ? root.TextMap("target") : profile.Target,
    };

    private static ActivationScheme Activations(JsonFields fields)
    {
        var scheme = new ActivationScheme(
            fields.Choice<ActivationType>("type"), fields.Flag("symmetric"), fields.Number("minRealRange"));
        fields.RefuseOthers();
        return scheme;
    }

    private static WeightScheme Weights(JsonFields fields, IReadOnlyList<string> weightedOps)
    {
        var scheme = new WeightScheme(
            fields.Flag("perChannel"), fields.Flag("reducedRange"), fields.Choice<WeightStorage>("storage"));
        scheme = scheme with
        {
            PerChannelOps = fields.Has("perChannelOps") ? fields.Texts("perChannelOps") : scheme.PerChannel ? weightedOps : [],
        };
        fields.RefuseOthers();
        return scheme;
    }

    private static ShapeLimits Shapes(JsonFields fields)
    {
        var limits = new ShapeLimits(fields.Flag("static"), Limit("maxRank"), Limit("maxDim"), Limit("maxBatch"))
        {
            LayerRank = Limit("layerRank"),
        };
        fields.RefuseOthers();
        return limits;

        long? Limit(string name) => fields.Has(name) ? fields.Integer(name) : null;
    }

    private static OpsetRange Opset(JsonFields fields)
    {
        var range = new OpsetRange(fields.Integer("min"), fields.Integer("max"));
        fields.RefuseOthers();
        return range;
    }
}
