using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>Δb = scale · b of the adapter: the bias of lora_B, or the one that BEFT trains.</summary>
public sealed class BiasDelta : Delta
{
    internal BiasDelta(string method, Tensor bias, double scale)
    {
        Method = method;
        Bias = bias;
        Scale = scale;
        WeightShape = new TensorShape(bias.Shape.ElementCount);
    }

    /// <inheritdoc/>
    public override string Method { get; }

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override string Parameter => "bias";

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <summary>As many values as the layer has outputs.</summary>
    public Tensor Bias { get; }

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight) => new AddedValues(Bias.ToFloats(), Scale);

    private sealed class AddedValues(float[] values, double scale) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            var times = (float)(scale * factor);
            for (var index = 0; index < rows.Length; index++)
                rows[index] += values[first + index] * times;
        }
    }
}

/// <summary>Reads BEFT: a trained addition to the bias of each adapted layer.</summary>
public sealed class BeftMethod : AdapterMethod
{
    private const string Part = "beft_bias";

    /// <inheritdoc/>
    public override string Name => "beft";

    /// <inheritdoc/>
    public override string PeftType => "BEFT";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [Part];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => [];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) =>
        [new BiasDelta(Name, tensors.Parts[Part], 1)];
}
