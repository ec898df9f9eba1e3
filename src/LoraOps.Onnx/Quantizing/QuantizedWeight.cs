using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Onnx.Quantizing;

/// <summary>
/// A weight and how it becomes int8: symmetric, one scale per output channel or one for all. Its values are read where they are stored
/// whenever they are needed, row by row: a model's weights together are large.
/// </summary>
internal sealed class QuantizedWeight
{
    private const int LongestRow = 1 << 16;
    private readonly Tensor _values;
    private readonly float _factor;
    private readonly int _length;
    private readonly int _row;
    private readonly int _channels;
    private readonly CodeRange _codes;
    private sbyte[]? _chosen;

    /// <param name="values">The elements as stored.</param>
    /// <param name="factor">What each is multiplied with.</param>
    /// <param name="axis">The dimension that has one scale each; null if one scale holds for all.</param>
    /// <param name="isReduced">Seven bits.</param>
    public QuantizedWeight(Tensor values, float factor, int? axis, bool isReduced)
    {
        (_values, _factor, _length, Axis) = (values, factor, checked((int)values.Shape.ElementCount), axis ?? -1);
        var dims = values.Shape.Dims;
        var stride = axis is null ? 0 : checked((int)dims[(Axis + 1)..].ToArray().Aggregate(1L, (product, dim) => product * dim));
        _channels = axis is null ? 1 : (int)dims[Axis];
        HasRowScales = stride != 1;
        _row = axis is null ? LongestRow : HasRowScales ? stride : _channels;
        _codes = isReduced ? CodeRange.Int8Reduced : CodeRange.Int8Symmetric;
        var magnitudes = Magnitudes();
        IsFinite = Array.TrueForAll(magnitudes, float.IsFinite);
        Scales = IsFinite ? Array.ConvertAll(magnitudes, ScaleOf) : [];
    }

    /// <summary>The dimension that has one scale each, or −1 if there is one for all.</summary>
    public int Axis { get; }

    /// <summary>The scales; <see cref="GuardBias"/> may raise some.</summary>
    public float[] Scales { get; }

    /// <summary>True if all elements are numbers.</summary>
    public bool IsFinite { get; }

    /// <summary>True if <see cref="Take"/> took codes.</summary>
    public bool IsChosen => _chosen is not null;

    // A row has one scale, or one for each of its elements.
    private bool HasRowScales { get; }

    /// <summary>The elements.</summary>
    public float[] Values()
    {
        var values = _values.ToFloats();
        Multiply(values);
        return values;
    }

    /// <summary>Raises scales so that the bias fits int32; must come before <see cref="Codes"/>.</summary>
    /// <param name="bias">One per output channel.</param>
    /// <param name="inputScale">The activation's scale.</param>
    public void GuardBias(ReadOnlySpan<float> bias, float inputScale)
    {
        for (var i = 0; i < bias.Length; i++)
            Scales[i % _channels] = BiasScale.Guard(bias[i], inputScale, Scales[i % _channels]);
    }

    /// <summary>Takes codes that somebody chose for these scales; null for the nearest ones.</summary>
    public void Take(sbyte[]? codes)
    {
        if (codes is not null && codes.Length != _length)
            throw new ArgumentException($"There are {codes.Length} codes for {_length} elements.", nameof(codes));

        _chosen = codes;
    }

    /// <summary>What others need to choose codes.</summary>
    public LayerWeight Describe(WeightedNode node) =>
        new(node, Values(), [.. _values.Shape.Dims], node.OutputAxis, Axis, Scales, _codes);

    /// <summary>The elements as int8, halves to even.</summary>
    public byte[] Codes()
    {
        if (_chosen is not null)
            return MemoryMarshal.AsBytes(_chosen.AsSpan()).ToArray();

        var codes = new byte[_length];
        var buffer = new float[Math.Min(_row, _length)];
        for (var (first, row) = (0, 0); first < _length; (first, row) = (first + _row, row + 1))
        {
            var values = Read(first, buffer);
            if (HasRowScales)
                TensorPrimitives.Divide(values, Scales[row % _channels], values);
            else
                TensorPrimitives.Divide(values, Scales, values);

            TensorPrimitives.Round(values, values);
            for (var i = 0; i < values.Length; i++)
                codes[first + i] = (byte)(sbyte)Math.Clamp(values[i], sbyte.MinValue, sbyte.MaxValue);
        }

        return codes;
    }

    /// <summary>The elements for a file that holds floats: as they are, or what chosen codes stand for, so that the nearest code is the chosen one.</summary>
    public float[] Stored()
    {
        if (_chosen is null)
            return Values();

        var stored = new float[_chosen.Length];
        for (var i = 0; i < stored.Length; i++)
            stored[i] = _chosen[i] * Scales[HasRowScales ? i / _row % _channels : i % _channels];

        return stored;
    }

    // The greatest of each channel; a NaN wins.
    private float[] Magnitudes()
    {
        var magnitudes = new float[_channels];
        var buffer = new float[Math.Min(_row, _length)];
        for (var (first, row) = (0, 0); first < _length; (first, row) = (first + _row, row + 1))
        {
            var values = Read(first, buffer);
            if (HasRowScales)
                magnitudes[row % _channels] = Math.Max(magnitudes[row % _channels], Math.Abs(TensorPrimitives.MaxMagnitude<float>(values)));
            else
                TensorPrimitives.MaxMagnitude(magnitudes, values, magnitudes);
        }

        TensorPrimitives.Abs(magnitudes, magnitudes);
        return magnitudes;
    }

    private Span<float> Read(int first, float[] buffer)
    {
        var row = buffer.AsSpan(0, Math.Min(buffer.Length, _length - first));
        _values.ReadFloats(first, row);
        Multiply(row);
        return row;
    }

    private void Multiply(Span<float> values)
    {
        if (_factor != 1)
            TensorPrimitives.Multiply(values, _factor, values);
    }

    private float ScaleOf(float magnitude) =>
        ScaleZeroPoint.For(new TensorRange(-magnitude, magnitude), _codes, symmetric: true).Scale;
}
