using LoraOps.Problems;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace LoraOps.Runtime.Adapters;

/// <summary>Adapters inside the graph: an input says which row of the batch uses which.</summary>
/// <param name="who">The adapters, and all of them in one word.</param>
/// <param name="input">The graph's input and whose batch it follows.</param>
/// <param name="rows">One row of the input for each row of the batch, or a single one for all of them.</param>
/// <param name="isForAll">True if the single row is for any batch.</param>
/// <param name="none">Options without an adapter.</param>
internal sealed class RowActivation((IReadOnlyList<string> Ids, string Label) who, RowInput input, float[][] rows, bool isForAll, RunOptions none)
    : Activation(who.Ids, who.Label)
{
    /// <inheritdoc/>
    public override RunOptions Options => none;

    /// <inheritdoc/>
    public override bool Sets(string name) => name == input.Port.Name;

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">The batch has another number of rows.</exception>
    public override OrtValue? Feed(RunFeed feed)
    {
        var batch = input.BatchOf(feed);
        if (!isForAll && batch != rows.Length)
            throw new LoraOpsException(SwitchProblems.RowsDiffer(input.Model, rows.Length, batch));

        var value = input.Port.Type == ElementType.I64 ? Numbers(batch) : Weights(batch);
        feed.Add(input.Port.Name, value);
        return value;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    private OrtValue Numbers(long batch)
    {
        var value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Int64, [batch]);
        var numbers = value.GetTensorMutableDataAsSpan<long>();
        for (var row = 0; row < numbers.Length; row++)
            numbers[row] = (long)RowOf(row)[0];

        return value;
    }

    private OrtValue Weights(long batch)
    {
        var value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Float, [batch, rows[0].Length]);
        var weights = value.GetTensorMutableDataAsSpan<float>();
        for (var row = 0; row < batch; row++)
            RowOf(row).CopyTo(weights[(row * rows[0].Length)..]);

        return value;
    }

    private float[] RowOf(int row) => rows[isForAll ? 0 : row];
}
