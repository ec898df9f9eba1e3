using System.Runtime.InteropServices;
using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.Quantizing;

/// <summary>A weight's values and how they become int8: symmetric, one scale per output channel or one for all.</summary>
internal sealed class QuantizedWeight
{
    private readonly float[] _values;
    private readonly int _channelStride;
    private readonly int _channels;
    private readonly CodeRange _codes;
    private readonly IReadOnlyList<long> _dims;
    private sbyte[]? _chosen;

    /// <param name="values">Row-major elements of a tensor with these dimensions.</param>
    /// <param name="dims">The dimensions.</param>
    /// <param name="axis">The dimension that has one scale each; null if one scale holds for all.</param>
    /// <param name="isReduced">Seven bits.</param>
    public QuantizedWeight(float[] values, IReadOnlyList<long> dims, int? axis, bool isReduced)
    {
        _values = values;
        _dims = dims;
        Axis = axis ?? -1;
        _channels = axis is null ? 1 : (int)dims[Axis];
        _channelStride = axis is null ? Math.Max(1, values.Length) : (int)dims.Skip(Axis + 1).Aggregate(1L, (product, dim) => product * dim);
        _codes = isReduced ? CodeRange.Int8Reduced : CodeRange.Int8Symmetric;
        Scales = [.. Magnitudes().Select(ScaleOf)];
    }

    /// <summary>The dimension that has one scale each, or −1 if there is one for all.</summary>
    public int Axis { get; }

    /// <summary>The scales; <see cref="GuardBias"/> may raise some.</summary>
    public float[] Scales { get; }

    /// <summary>True if all elements are numbers.</summary>
    public bool IsFinite => _values.All(float.IsFinite);

    /// <summary>The elements.</summary>
    public ReadOnlySpan<float> Values => _values;

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
        if (codes is not null && codes.Length != _values.Length)
            throw new ArgumentException($"There are {codes.Length} codes for {_values.Length} elements.", nameof(codes));

        _chosen = codes;
    }

    /// <summary>True if <see cref="Take"/> took codes.</summary>
    public bool IsChosen => _chosen is not null;

    /// <summary>What others need to choose codes.</summary>
    public LayerWeight Describe(WeightedNode node) => new(node, _values, _dims, node.OutputAxis, Axis, Scales, _codes);

    /// <summary>The elements as int8.</summary>
    public byte[] Codes()
    {
        if (_chosen is not null)
            return MemoryMarshal.AsBytes(_chosen.AsSpan()).ToArray();

        var codes = new sbyte[_values.Length];
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (sbyte)new ScaleZeroPoint(Scales[i / _channelStride % _channels], 0).Quantize(_values[i], CodeRange.Int8);

        return MemoryMarshal.AsBytes(codes.AsSpan()).ToArray();
    }

    private float[] Magnitudes()
    {
        var magnitudes = new float[_channels];
        for (var i = 0; i < _values.Length; i++)
        {
            ref var magnitude = ref magnitudes[i / _channelStride % _channels];
            magnitude = Math.Max(magnitude, Math.Abs(_values[i]));
        }

        return magnitudes;
    }

    private float ScaleOf(float magnitude) =>
        ScaleZeroPoint.For(new TensorRange(-magnitude, magnitude), _codes, symmetric: true).Scale;
}
