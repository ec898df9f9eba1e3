using LoraOps.Adapters;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Deltas;

/// <summary>Small adapters of one module m, and what they make of a weight.</summary>
internal static class Rotations
{
    public static TinyAdapter Of(string type, params (string Field, string Json)[] fields)
    {
        var adapter = new TinyAdapter().Without("init_lora_weights").Without("lora_alpha").Without("r").With("peft_type", $"\"{type}\"");
        foreach (var (field, json) in fields)
            adapter.With(field, json);

        return adapter;
    }

    public static TinyAdapter Oft(params (string Field, string Json)[] fields) =>
        Of("OFT", [("peft_version", "\"0.18.0\""), ("oft_block_size", "4"), .. fields]);

    /// <summary>Adds a tensor of the module m.</summary>
    public static TinyAdapter Part(this TinyAdapter adapter, string part, params long[] dims) =>
        adapter.Tensor($"base_model.model.m.{part}", dims);

    public static TinyAdapter Part(this TinyAdapter adapter, string part, float[] values, params long[] dims) =>
        adapter.Tensor($"base_model.model.m.{part}", values, dims);

    /// <summary>The deltas as they are read; their tensors stay in the folder.</summary>
    public static IReadOnlyList<Delta> Deltas(this TinyAdapter adapter, TemporaryFolder folder) =>
        [.. PeftReader.Read(adapter.WriteTo(folder["a"])).Modules.Select(module => module.Delta)];

    public static float[] Values(long count, int seed = 5)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, (int)count).Select(_ => random.NextSingle() - 0.5f)];
    }

    /// <summary>W + factor · ΔW, computed in blocks of so many rows.</summary>
    public static float[] Merge(Delta delta, TensorShape shape, float[] weight, long block, float factor = 1)
    {
        Assert.True(delta.Fits(shape), delta.Expected);
        var columns = delta.ColumnsOf(shape);
        Assert.Equal(0, block % delta.RowGroupOf(shape));
        var update = delta.Prepare(TargetWeight.Of(shape, weight));
        var sum = (float[])weight.Clone();
        for (long first = 0, rows = weight.Length / columns; first < rows; first += block)
        {
            var (from, length) = ((int)(first * columns), (int)(Math.Min(block, rows - first) * columns));
            update.AddTo(first, sum.AsSpan(from, length), weight.AsSpan(from, length), factor);
        }

        return sum;
    }
}
