using System.Numerics.Tensors;
using LoraOps.Adapters;
using Tensor = LoraOps.Tensors.Tensor;
using TensorShape = LoraOps.Tensors.TensorShape;

namespace LoraOps.Deltas;

/// <summary>
/// W' = W ⊙ l (IA3, arXiv:2205.05638): each output is scaled, with its bias, or each input of a feed-forward layer.
/// </summary>
public sealed class Ia3Delta : Delta
{
    private readonly Tensor _scales;

    internal Ia3Delta(Tensor scales, bool scalesInputs, bool isBias)
    {
        _scales = scales;
        ScalesInputs = scalesInputs;
        Parameter = isBias ? "bias" : "weight";
    }

    /// <inheritdoc/>
    public override string Method => "ia3";

    /// <inheritdoc/>
    public override LayerKind Layer => _scales.Shape.Rank > 2 ? LayerKind.Convolution : LayerKind.Linear;

    /// <inheritdoc/>
    public override string Parameter { get; }

    /// <inheritdoc/>
    public override bool IsOptional => Parameter == "bias";

    /// <inheritdoc/>
    public override TensorShape? WeightShape => IsOptional ? new TensorShape(_scales.Shape.ElementCount) : null;

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => true;

    /// <summary>True for a feed-forward layer.</summary>
    public bool ScalesInputs { get; }

    /// <inheritdoc/>
    public override string Expected => $"{_scales.Shape.ElementCount} {(ScalesInputs ? "inputs" : "outputs")}";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        weight.Rank == (IsOptional ? 1 : _scales.Shape.Rank) && weight[ScalesInputs ? 1 : 0] == _scales.Shape.ElementCount;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => sizeof(float) * (_scales.Shape.ElementCount + weight.RowLength);

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        // ΔW = W ⊙ (l − 1).
        var gains = _scales.ToFloats();
        TensorPrimitives.Subtract(gains, 1, gains);
        var columns = checked((int)weight.Shape.RowLength);
        return ScalesInputs ? new Columns(Repeated(gains, columns / gains.Length)) : new Rows(gains, columns);
    }

    // Each input's gain once for each place of the kernel.
    private static float[] Repeated(float[] gains, int times) =>
        times == 1 ? gains : [.. gains.SelectMany(gain => Enumerable.Repeat(gain, times))];

    private sealed class Rows(float[] gains, int columns) : ComputedRows(columns)
    {
        protected override void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch) =>
            TensorPrimitives.Multiply(weight, gains[row], delta);
    }

    private sealed class Columns(float[] gains) : ComputedRows(gains.Length)
    {
        protected override void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch) =>
            TensorPrimitives.Multiply(weight, gains, delta);
    }
}

/// <summary>Reads IA3: ia3_l.</summary>
public sealed class Ia3Method : AdapterMethod
{
    private const string Part = "ia3_l";

    /// <inheritdoc/>
    public override string Name => "ia3";

    /// <inheritdoc/>
    public override string PeftType => "IA3";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [Part];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["feedforward_modules", "init_ia3_weights"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Require(Part) is not { } scales)
            return [];

        var shape = scales.Shape;
        var fits = shape.Rank == 2 ? shape[0] == 1 || shape[1] == 1 : shape.Rank is 3 or 4 or 5 && shape[1] == shape.ElementCount;
        if (!parts.Check(fits, scales, "[out, 1], [1, in] or [1, channels, 1…]"))
            return [];

        var scalesInputs = shape.Rank == 2 && shape.ElementCount > 1 ? shape[0] == 1 : IsFeedForward(tensors.Module, config);
        var weight = new Ia3Delta(scales, scalesInputs, isBias: false);
        return scalesInputs ? [weight] : [weight, new Ia3Delta(scales, scalesInputs, isBias: true)];
    }

    // PEFT compares the ends of names without regard to dots; one text is a regular expression for the whole name.
    private static bool IsFeedForward(ModuleName module, AdapterConfig config)
    {
        var named = config.Values.Texts("feedforward_modules");
        return config.Values.Raw("feedforward_modules") is { ValueKind: System.Text.Json.JsonValueKind.String }
            ? ModulePattern.Find([KeyValuePair.Create($@"\A(?:{named[0]})", true)], module) ?? false
            : named.Any(name => module.Value.EndsWith(name, StringComparison.Ordinal));
    }
}
