using LoraOps.Onnx.Chips;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing;

/// <summary>How each activation of a model becomes codes.</summary>
internal sealed class ActivationMappings
{
    private readonly QuantizationPlan _plan;
    private readonly ChipProfile _chip;
    private readonly IReadOnlyDictionary<string, TensorRange> _ranges;

    /// <exception cref="LoraOpsException">A range is missing or not finite; all are named.</exception>
    public ActivationMappings(string path, QuantizationPlan plan, ChipProfile chip, IReadOnlyDictionary<string, TensorRange> ranges)
    {
        (_plan, _chip, _ranges) = (plan, chip, ranges);
        var problems = plan.Tensors.Select(tensor => Obstacle(path, tensor)).OfType<Problem>().ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);
    }

    /// <summary>The mapping of a tensor that a node of this precision reads or gives.</summary>
    public ScaleZeroPoint Of(string tensor, LayerPrecision precision)
    {
        var codes = ActivationCodes.Of(_chip.Activations, precision);
        var source = _plan.RangeOf(tensor);
        return _plan.FixedRangeOf(source) is { } range ? codes.Map(range) : codes.Map(_ranges[source], _chip.Activations.MinRealRange);
    }

    private Problem? Obstacle(string path, string tensor) => !_ranges.TryGetValue(tensor, out var range)
        ? QuantizingProblems.RangeMissing(path, tensor)
        : float.IsFinite(range.Min) && float.IsFinite(range.Max)
            ? null
            : QuantizingProblems.RangeInvalid(path, tensor, range.Min, range.Max);
}
