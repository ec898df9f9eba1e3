using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorShapeProto.Types;

namespace LoraOps.Onnx.Branches;

/// <summary>An input of a model, and where its samples are.</summary>
/// <param name="Name">The input.</param>
/// <param name="Layout">Its layout.</param>
/// <param name="Samples">The dimension that counts the samples; null if it has none.</param>
internal sealed record BatchInput(string Name, BatchLayout Layout, Dimension? Samples)
{
    /// <summary>
    /// Finds the samples of all inputs: along the one dimension whose symbol says batch, else along the first. Beside inputs of any number of
    /// samples, or of another one, what has a fixed number is the same for all samples.
    /// </summary>
    public static IReadOnlyList<BatchInput> All(IEnumerable<ValueInfoProto> inputs)
    {
        var all = inputs.Select(Of).ToList();
        var counts = all.Select(input => input.Samples).OfType<Dimension>().ToList();
        var isFree = counts.Exists(count => count.DimValue <= 0);
        var fixedCount = counts.Select(count => count.DimValue).FirstOrDefault(count => count > 1, 1);
        return [.. all.Select(input => input.Samples is { DimValue: > 0 and var count } && (isFree || count != fixedCount)
            ? new BatchInput(input.Name, BatchLayout.Shared(input.Layout.Rank), null)
            : input)];
    }

    private static BatchInput Of(ValueInfoProto input)
    {
        if (input.Type?.TensorType?.Shape?.Dim is not { } dims)
            return new BatchInput(input.Name, BatchLayout.Unknown, null);

        if (dims.Count == 0)
            return new BatchInput(input.Name, BatchLayout.Shared(0), null);

        var named = dims.Index().Where(dim => dim.Item.DimParam.Contains("batch", StringComparison.OrdinalIgnoreCase)).Select(dim => dim.Index).ToList();
        var axis = named is [var only] ? only : 0;
        return new BatchInput(input.Name, new BatchLayout(dims.Count, axis), dims[axis]);
    }
}
