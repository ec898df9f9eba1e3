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

/// <summary>Folds deltas into a module's stored weights.</summary>
internal sealed class WeightFolding(OnnxModel model, TensorEditor editor, ICollection<Problem> problems)
{
    private readonly OnnxModel _model = model;
    private readonly TensorEditor _editor = editor;
    private readonly ICollection<Problem> _problems = problems;

    /// <summary>
    /// Changes every stored tensor of the module. An exporter may have stored one for each call of the layer, which hold the
    /// same, or split the module over several nodes, which hold a part each.
    /// </summary>
    public IReadOnlyList<Site> Apply(WeightTarget target)
    {
        var groups = target.Resolution.Places
            .GroupBy(place => place.Use.Tensor, ReferenceEqualityComparer.Instance)
            .SelectMany(same => same.GroupBy(place => (place.Rows, place.Part)))
            .Select(group => new StoredRows(_model, [.. group.Select(place => place with { Use = _editor.Current(place.Use) })]))
            .ToList();
        if (groups.All(group => group.Part is null))
            return [.. groups.Select(group => Write(target, group, group.Weight(), Sum(target, group.Weight()))).OfType<Site>()];

        var whole = Joined(groups);
        var sum = Sum(target, whole);
        return [.. groups.Select(group => Write(target, group, whole, group.PartOf(sum))).OfType<Site>()];
    }

    private static float[] Joined(List<StoredRows> groups)
    {
        var parts = groups.DistinctBy(group => group.Part).OrderBy(group => group.Part!.Value.First);
        return [.. parts.SelectMany(group => group.Weight())];
    }

    private Site? Write(WeightTarget target, StoredRows group, float[] weight, ReadOnlySpan<float> sum)
    {
        var change = TensorPrimitives.Norm(sum) / Math.Max(float.Epsilon, TensorPrimitives.Norm<float>(weight));
        if (target.Replacement is { } replacement)
            group.Replace(group.PartOf(replacement.Value.ToFloats()));
        else
            group.Add(sum);

        if (!group.IsFinite)
        {
            _problems.Add(MappingProblems.ResultNotFinite(_model.Path, target.Resolution.Module.Value, group.Type.Name()));
            return null;
        }

        var copy = _editor.Write(group.Uses, group.Encode(), target.Resolution.Module.Parameter("weight"));
        return Describe(target, group) with { Copy = copy, RelativeChange = change };
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

    private static Site Describe(WeightTarget target, StoredRows group) => new()
    {
        Module = target.Resolution.Module,
        Parameter = "weight",
        Method = target.Replacement is not null ? "replaced" : string.Join("+", target.Deltas.Select(delta => delta.Delta.Method).Distinct()),
        Nodes = [.. group.Uses.Select(use => use.Node.Name)],
        Operator = group.Uses[0].Node.OpType,
        Initializer = group.Uses[0].Name,
        Rows = group.Rows,
        IsTransposed = group.Uses[0].IsTransposed,
        Evidence = target.Resolution.Evidence,
        IsVerified = target.Resolution.IsVerified,
        Rank = target.Deltas.Sum(delta => delta.Delta.Rank),
    };
}
