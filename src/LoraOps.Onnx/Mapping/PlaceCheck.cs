using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>Whether a place can be a module's: kind, shape, type, and the base's own values where there is a base.</summary>
internal sealed class PlaceCheck(OnnxModel model, CheckpointComparison? comparison, MappingOptions options)
{
    private readonly OnnxModel _model = model;
    private readonly CheckpointComparison? _base = comparison;
    private readonly MappingOptions _options = options;

    /// <summary>Why a candidate cannot be the module's place, or null; then <paramref name="place"/> is the place, with a folded norm's factors.</summary>
    public Problem? Fault(WantedWeight wanted, Candidate candidate, out WeightPlace place)
    {
        place = candidate.Place;
        return Obstacle(wanted, candidate) ?? Rewriting(wanted, candidate, ref place);
    }

    private Problem? Obstacle(WantedWeight wanted, Candidate candidate)
    {
        var (use, module) = (candidate.Use, wanted.Module.Value);
        if (use.Groups > 1 && wanted is { Layer: not null, Groups: 1 })
            return MappingProblems.ConvolutionGrouped(_model.Path, module, use.Groups);

        if (!FitsShape(wanted, candidate.Place) || (wanted.Groups > 1 && use.Groups != wanted.Groups))
        {
            return MappingProblems.SiteShapeDiffers(
                _model.Path, module, $"a weight {wanted.Shape}{InGroups(wanted.Groups)}",
                $"'{use.Name}' with {use.Shape}{InGroups(use.Groups)} at node '{use.Node.Name}'");
        }

        if (_options.IsBranched && use.IsFused)
            return MappingProblems.OutputFused(_model.Path, module, use.Node.Name, use.Node.OpType);

        var type = OnnxTensor.TypeOf(use.Tensor.DataType);
        var isWritable = use.Codes is null && type is { } known && StoredWeight.IsWritable(known) && use.Alpha != 0;
        var isReadable = use.Codes is not null && _options.IsBranched && Dequantizing.Fits(_model, use.Tensor, use.Codes);
        if (isWritable && !_options.IsBranched && _model.Read(use.Tensor).ByteLength is var bytes && bytes > Array.MaxLength)
            return MappingProblems.WeightTooLarge(_model.Path, module, bytes);

        return isWritable || isReadable
            ? null
            : MappingProblems.WeightTypeUnsupported(_model.Path, module, (type?.Name() ?? "another type") + (use.Codes is null ? "" : " codes"));
    }

    private static string InGroups(long groups) => groups == 1 ? "" : $" in {groups} groups";

    private static bool FitsShape(WantedWeight wanted, WeightPlace place) => wanted.HasColumnsOf(place.Use)
        && (place.Rows?.Count ?? place.Use.Shape[0]) == (place.Part?.Count ?? wanted.Rows);

    private Problem? Rewriting(WantedWeight wanted, Candidate candidate, ref WeightPlace place)
    {
        var why = RewrittenBy(candidate);
        var module = wanted.Module.Value;
        if (_base is null)
            return why is null ? null : MappingProblems.WeightRewritten(_model.Path, module, why, hasBase: false);

        var difference = _base.Difference(wanted, place);
        if (difference is null && !candidate.IsContradicted)
            return null;

        var type = candidate.Use.Codes is null && place.IsWhole ? OnnxTensor.TypeOf(candidate.Use.Tensor.DataType) : null;
        if (type is { } known && new FoldedNorm(_base.Weights).Factors(wanted, _base.Stored(place), known) is { } factors)
        {
            place = place with { Factors = factors };
            return null;
        }

        var reason = $"{why ?? Owner(candidate.Use)}, and {difference ?? "no batch norm of the base explains it"}";
        return why is not null || candidate.IsContradicted
            ? MappingProblems.WeightRewritten(_model.Path, module, reason, hasBase: true)
            : MappingProblems.BaseDiffers(_model.Path, module, candidate.Use.Name, difference!);
    }

    /// <summary>Who uses a weight, as the exporter says.</summary>
    public static string Owner(WeightUse use) =>
        $"'{use.Name}' is used by node '{use.Node.Name}', which the exporter records as '{use.ModuleGuess}'";

    // Exporters fold a batch norm into the convolution before it: TorchScript then renames the weight, which it never does
    // otherwise; dynamo keeps the name and calls the new bias WEIGHT_bias.
    private static string? RewrittenBy(Candidate candidate)
    {
        var use = candidate.Use;
        if (use.Layer != Adapters.LayerKind.Convolution || candidate.IsMapped || candidate.Has(EvidenceTier.Content))
            return null;

        if (candidate.Evidence.All(evidence => evidence.Tier != EvidenceTier.ExactName))
            return $"the exporter renamed it to '{use.Name}'";

        return use.Bias?.Value == use.Name + "_bias" ? $"the exporter gave it a bias '{use.Bias?.Value}'" : null;
    }
}
