using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Forms;

/// <summary>One module's weight and what the adapters do to it.</summary>
/// <param name="Resolution">Where it is.</param>
/// <param name="Deltas">The deltas and their weights, to be summed.</param>
/// <param name="Replacement">The value that takes its place, or null.</param>
internal sealed record WeightTarget(
    Resolution Resolution, IReadOnlyList<(Delta Delta, float Weight)> Deltas, Replacement? Replacement);

/// <summary>Folds deltas into a stored weight.</summary>
internal static class WeightFolding
{
    /// <summary>Changes every stored tensor of the module; an exporter may have stored one for each call of the layer.</summary>
    public static IEnumerable<Site> Apply(OnnxModel model, TensorEditor editor, WeightTarget target, ICollection<Problem> problems)
    {
        foreach (var uses in target.Resolution.Uses.GroupBy(use => use.Name, StringComparer.Ordinal).Select(group => group.ToList()))
        {
            var weight = StoredWeight.Read(model, uses[0]);
            var sum = Sum(target, weight);
            var change = TensorPrimitives.Norm<float>(sum) / Math.Max(float.Epsilon, TensorPrimitives.Norm<float>(weight));
            TensorPrimitives.Add(weight, sum, weight);
            if (target.Replacement is not null)
                target.Replacement.Value.ReadFloats(0, weight);

            var type = model.Read(uses[0].Tensor).Type;
            if (!IsFinite(weight, type))
            {
                problems.Add(MappingProblems.ResultNotFinite(model.Path, target.Resolution.Module.Value, type.Name()));
                continue;
            }

            var bytes = StoredWeight.Encode(model, uses[0], weight);
            var copy = editor.Write(uses, bytes, target.Resolution.Module.Parameter("weight"));
            yield return Describe(target, uses) with { Copy = copy, RelativeChange = change };
        }
    }

    private static float[] Sum(WeightTarget target, float[] weight)
    {
        var sum = new float[weight.Length];
        foreach (var (delta, factor) in target.Deltas)
            delta.AddTo(sum, TargetWeight.Of(delta.WeightShape!, weight), factor);

        if (target.Replacement is { } replacement)
        {
            replacement.Value.ReadFloats(0, sum);
            TensorPrimitives.Subtract(sum, weight, sum);
        }

        return sum;
    }

    private static bool IsFinite(float[] weight, ElementType type)
    {
        var limit = type switch
        {
            // Halfway to the next power of two is where rounding gives infinity.
            ElementType.F16 => 65520f,
            ElementType.BF16 => 3.3961775e38f,
            _ => float.PositiveInfinity,
        };
        return weight.All(value => Math.Abs(value) < limit);
    }

    private static Site Describe(WeightTarget target, List<WeightUse> uses) => new()
    {
        Module = target.Resolution.Module,
        Parameter = "weight",
        Method = target.Replacement is not null ? "replaced" : string.Join("+", target.Deltas.Select(delta => delta.Delta.Method).Distinct()),
        Nodes = [.. uses.Select(use => use.Node.Name)],
        Operator = uses[0].Node.OpType,
        Initializer = uses[0].Name,
        IsTransposed = uses[0].IsTransposed,
        Evidence = target.Resolution.Evidence,
        IsVerified = target.Resolution.IsVerified,
        Rank = target.Deltas.Sum(delta => delta.Delta.Rank),
    };
}
