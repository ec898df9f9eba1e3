using LoraOps.Adapters;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Deltas;

/// <summary>One adapter of one module "m" on a random weight, to compare with a formula in float64.</summary>
internal sealed class FactorCase
{
    private readonly Dictionary<string, double[]> _tensors = [];
    private readonly TinyAdapter _adapter = new();
    private readonly Random _random = new(11);

    public FactorCase(string peftType, params (string Field, string Json)[] config)
    {
        foreach (var field in (string[])["lora_alpha", "use_dora", "use_rslora", "init_lora_weights", "r"])
            _adapter.Without(field);

        _adapter.With("peft_type", $"\"{peftType}\"");
        foreach (var (field, json) in config)
            _adapter.With(field, json);
    }

    /// <summary>The values of a tensor.</summary>
    public double[] this[string part] => _tensors[part];

    /// <summary>Adds a tensor of the module, or of the file if its name begins with "base_model.".</summary>
    public FactorCase With(string part, params long[] dims)
    {
        var values = new float[new TensorShape(dims).ElementCount];
        for (var index = 0; index < values.Length; index++)
            values[index] = _random.NextSingle() - 0.5f;

        return With(part, values, dims);
    }

    /// <inheritdoc cref="With(string, long[])"/>
    public FactorCase With(string part, float[] values, params long[] dims)
    {
        _tensors[part] = [.. values.Select(value => (double)value)];
        _adapter.Tensor(part.StartsWith("base_model.", StringComparison.Ordinal) ? part : $"base_model.model.m.{part}", values, dims);
        return this;
    }

    /// <summary>Reads the adapter's deltas.</summary>
    public IReadOnlyList<Delta> Read()
    {
        using var folder = new TemporaryFolder();
        return [.. PeftReader.Read(_adapter.WriteTo(folder["a"])).Modules.Select(module => module.Delta)];
    }

    /// <summary>Reads the first delta and prepares it for a weight of this shape.</summary>
    public RowUpdate Prepare(TensorShape shape)
    {
        using var folder = new TemporaryFolder();
        return PeftReader.Read(_adapter.WriteTo(folder["a"])).Modules[0].Delta.Prepare(TargetWeight.Of(shape, []));
    }

    /// <summary>The change of a bias beside a weight.</summary>
    public float[] BiasChange(float[] bias, TensorShape shape, float[] weight)
    {
        using var folder = new TemporaryFolder();
        var delta = PeftReader.Read(_adapter.WriteTo(folder["a"])).Modules.Single(module => module.Delta.Parameter == "bias").Delta;
        var change = new float[bias.Length];
        var target = TargetWeight.Of(new TensorShape(bias.Length), bias) with { Sibling = _ => TargetWeight.Of(shape, weight) };
        delta.Prepare(target).AddTo(0, change, bias, 1);
        return change;
    }

    /// <summary>Compares ΔW with a formula of row, column and the weight's value; whole, halved, and in blocks of two.</summary>
    public void Check(TensorShape shape, Func<int, int, double, double> formula, ElementType type = ElementType.F32)
    {
        using var folder = new TemporaryFolder();
        var delta = PeftReader.Read(_adapter.WriteTo(folder["a"])).Modules.Single(module => module.Delta.Parameter == "weight").Delta;
        Assert.True(delta.Fits(shape), delta.Expected);
        var weight = Enumerable.Range(0, (int)shape.ElementCount).Select(_ => _random.NextSingle() - 0.5f).ToArray();
        var target = TargetWeight.Of(shape, weight) with { Type = type };
        var (update, columns) = (delta.Prepare(target), (int)delta.ColumnsOf(shape));
        var (whole, blocks) = (new float[weight.Length], new float[weight.Length]);
        update.AddTo(0, whole, delta.NeedsWeight ? weight : [], 1);
        for (var first = 0; first < weight.Length / columns; first += 2)
        {
            var range = new Range(first * columns, Math.Min(weight.Length, (first + 2) * columns));
            update.AddTo(first, blocks.AsSpan(range), delta.NeedsWeight ? weight.AsSpan(range) : [], 1);
        }

        Assert.Equal(whole, blocks);
        var expected = weight.Select((value, index) => formula(index / columns, index % columns, value)).ToArray();
        var largest = Math.Max(1e-3, expected.Max(Math.Abs));
        for (var index = 0; index < whole.Length; index++)
            Assert.Equal(expected[index], whole[index], 2e-6 * largest);

        var half = new float[weight.Length];
        update.AddTo(0, half, delta.NeedsWeight ? weight : [], 0.5f);
        for (var index = 0; index < whole.Length; index++)
            Assert.Equal(whole[index] / 2, half[index], 1e-6 * largest);
    }
}
