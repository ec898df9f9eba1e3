using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW of circulant blocks (C3A, arXiv:2407.19342): element (i, j) of block (m, n) is kernel[m, n, (j − i) mod b] / in.
/// </summary>
public sealed class C3aDelta : Delta
{
    private readonly Tensor _kernel;

    internal C3aDelta(Tensor kernel)
    {
        _kernel = kernel;
        var size = kernel.Shape[2];
        WeightShape = new TensorShape(kernel.Shape[0] * size, kernel.Shape[1] * size);
    }

    /// <inheritdoc/>
    public override string Method => "c3a";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1.0 / WeightShape[1];

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => sizeof(float) * _kernel.Shape.ElementCount;

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var kernel = _kernel.ToFloats();
        for (var index = 0; index < kernel.Length; index++)
            kernel[index] = (float)(kernel[index] * Scale);

        return new Rows(kernel, (int)_kernel.Shape[2], checked((int)WeightShape[1]));
    }

    private sealed class Rows(float[] kernel, int size, int columns) : ComputedRows(columns)
    {
        protected override void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
        {
            var turn = (int)(row % size);
            var circles = kernel.AsSpan(checked((int)(row / size * delta.Length)), delta.Length);
            for (var at = 0; at < delta.Length; at += size)
            {
                var circle = circles.Slice(at, size);
                var target = delta.Slice(at, size);
                circle[..(size - turn)].CopyTo(target[turn..]);
                circle[(size - turn)..].CopyTo(target);
            }
        }
    }
}

/// <summary>Reads C3A: c3a_kernel [out / b, in / b, b].</summary>
public sealed class C3aMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "c3a";

    /// <inheritdoc/>
    public override string PeftType => "C3A";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["c3a_kernel"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["block_size", "block_size_pattern"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped(Parts[0], "[out / b, in / b, b]", -1, -1, -1) is not { } kernel)
            return [];

        var size = kernel.Shape[2];
        var said = ModulePattern.Find(config.Values.Counts("block_size_pattern"), tensors.Module) ?? config.Values.Count("block_size", (int)size);
        if (said != size)
            findings.Warnings.Add($"module '{tensors.Module}': the kernel has blocks of {size}, the config says {said}; the kernel counts");

        return parts.IsSized(kernel, kernel.Shape[0] * (Int128)size, kernel.Shape[1] * (Int128)size) ? [new C3aDelta(kernel)] : [];
    }
}
