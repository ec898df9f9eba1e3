using LoraOps.Onnx.Layers;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Surviving;

/// <summary>
/// What a candidate computes with in place of a float weight, in that weight's own basis: where recovery has moved factors from a layer to
/// its neighbours (SmoothQuant, cross-layer equalisation), they are taken out again.
/// </summary>
internal sealed class QuantizedLayer
{
    // A rescaled weight stands far further from the float one than its steps explain.
    private const double Unexplained = 6;
    private const double WorthIt = 3;
    private const double Alike = 1.05;
    private const int Rounds = 4;

    private readonly int _columns;
    private readonly double[] _rowFactors;
    private readonly double[] _columnFactors;

    private QuantizedLayer(TensorShape shape, float[] values, WeightCodes? codes)
    {
        Values = values;
        Codes = codes;
        _columns = (int)shape.RowLength;
        _rowFactors = new double[shape[0]];
        _columnFactors = new double[_columns];
        Array.Fill(_rowFactors, 1);
        Array.Fill(_columnFactors, 1);
    }

    /// <summary>The numbers in the float weight's basis, outputs first.</summary>
    public float[] Values { get; private set; }

    /// <summary>The codes in the candidate's own basis; null in float.</summary>
    public WeightCodes? Codes { get; }

    /// <summary>True if factors had to be taken out.</summary>
    public bool IsRescaled { get; private set; }

    /// <summary>True if what the layer gives is not what the float layer gives, but multiplied by channel: equalisation took it along.</summary>
    public bool MovesOutputs => _rowFactors.Max() > Alike * _rowFactors.Min();

    /// <summary>Reads a layer.</summary>
    /// <param name="layer">The candidate's.</param>
    /// <param name="reference">The float weight, outputs first.</param>
    public static QuantizedLayer Read(LayerWeight layer, float[] reference)
    {
        var codes = layer.Codes();
        return Align(layer.Shape, codes?.Values() ?? layer.Values(), codes, reference);
    }

    /// <summary>A layer of these codes.</summary>
    /// <param name="shape">The weight's, outputs first.</param>
    /// <param name="codes">The codes.</param>
    /// <param name="reference">The float weight.</param>
    public static QuantizedLayer Of(TensorShape shape, WeightCodes codes, float[] reference) => Align(shape, codes.Values(), codes, reference);

    /// <summary>Another float weight, quantized as this layer was.</summary>
    /// <param name="reference">What this layer was made of.</param>
    /// <param name="other">The other weight.</param>
    public QuantizedLayer Likewise(float[] reference, float[] other)
    {
        var codes = Codes?.Likewise(Rescaled(reference), Rescaled(other));
        var values = codes?.Values() ?? other;
        return new QuantizedLayer(new TensorShape(_rowFactors.Length, _columns), codes is null ? values : Restored(values), codes);
    }

    /// <summary>The size of one step at an element, in the float weight's basis; 0 in float.</summary>
    public double Step(int element) =>
        Codes is null ? 0 : Math.Abs(Codes.Scales[Codes.Groups[element]] / Factor(element));

    /// <summary>The share of the weight's elements beyond what the codes can hold.</summary>
    public double ClippedShare(float[] reference) => Codes?.ClippedShare(Rescaled(reference)) ?? 0;

    private static QuantizedLayer Align(TensorShape shape, float[] values, WeightCodes? codes, float[] reference)
    {
        var layer = new QuantizedLayer(shape, values, codes);
        var found = DeltaSums.Of(values, reference).Sqnr;
        if (found > layer.ExpectedSqnr(reference) - Unexplained)
            return layer;

        layer.Fit(reference);
        layer.Values = layer.Restored(values);
        layer.IsRescaled = true;
        return DeltaSums.Of(layer.Values, reference).Sqnr > found + WorthIt ? layer : new QuantizedLayer(shape, values, codes);
    }

    private double ExpectedSqnr(float[] reference)
    {
        if (Codes is null)
            return double.PositiveInfinity;

        var (signal, noise) = (0.0, 0.0);
        for (var i = 0; i < reference.Length; i++)
        {
            signal += (double)reference[i] * reference[i];
            noise += Step(i) * Step(i) / 12;
        }

        return noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
    }

    // Least squares for values ≈ row · column · reference, rows and columns in turn.
    private void Fit(float[] reference)
    {
        for (var round = 0; round < Rounds; round++)
        {
            FitOne(_columnFactors, reference, element => element % _columns, element => _rowFactors[element / _columns]);
            FitOne(_rowFactors, reference, element => element / _columns, element => _columnFactors[element % _columns]);
        }
    }

    private void FitOne(double[] factors, float[] reference, Func<int, int> indexOf, Func<int, double> otherOf)
    {
        var (above, below) = (new double[factors.Length], new double[factors.Length]);
        for (var i = 0; i < reference.Length; i++)
        {
            var model = reference[i] * otherOf(i);
            above[indexOf(i)] += Values[i] * model;
            below[indexOf(i)] += model * model;
        }

        for (var i = 0; i < factors.Length; i++)
            factors[i] = below[i] == 0 || above[i] <= 0 ? 1 : above[i] / below[i];
    }

    private double Factor(int element) => _rowFactors[element / _columns] * _columnFactors[element % _columns];

    private float[] Rescaled(float[] values) => Mapped(values, (value, factor) => value * factor);

    private float[] Restored(float[] values) => Mapped(values, (value, factor) => value / factor);

    private float[] Mapped(float[] values, Func<double, double, double> map)
    {
        var mapped = new float[values.Length];
        for (var i = 0; i < mapped.Length; i++)
            mapped[i] = (float)map(values[i], Factor(i));

        return mapped;
    }
}
