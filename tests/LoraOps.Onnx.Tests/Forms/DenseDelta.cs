using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Tests.Forms;

/// <summary>A delta that is given as it is, so that a test can tell where each element went.</summary>
internal sealed class DenseDelta(LayerKind layer, TensorShape shape, float[] values) : Delta
{
    public override string Method => "dense";

    public override LayerKind Layer { get; } = layer;

    public override TensorShape WeightShape { get; } = shape;

    public override int Rank => 1;

    public override double Scale => 1;

    public override bool NeedsWeight => false;

    /// <summary>An adapter of one module.</summary>
    public static WeightedAdapter Adapter(string module, LayerKind layer, long[] dims, float[] values, double weight = 1) => new(
        new Adapter
        {
            Name = "tiny",
            Folder = "tiny",
            Config = new AdapterConfig { PeftType = "LORA" },
            Modules = [new AdapterModule(new ModuleName(module), new DenseDelta(layer, new TensorShape(dims), values), [])],
            Replacements = [],
            Warnings = [],
            Digest = "",
        },
        weight);

    /// <summary>An adapter that only replaces a parameter.</summary>
    public static WeightedAdapter Replacing(string module, string parameter, long[] dims, params float[] values)
    {
        var adapter = Adapter("unused", LayerKind.Linear, [1, 1], [0]).Adapter;
        var value = BufferTensor.FromFloats("value", ElementType.F32, new TensorShape(dims), values);
        return new WeightedAdapter(adapter with
        {
            Modules = [],
            Replacements = [new Replacement(new ModuleName(module), parameter, value, parameter == "bias")],
        });
    }

    public override RowUpdate Prepare(TargetWeight weight) => new Update(values);

    private sealed class Update(float[] values) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            for (var i = 0; i < rows.Length; i++)
                rows[i] += factor * values[i];
        }
    }
}
