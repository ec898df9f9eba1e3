using System.Runtime.InteropServices;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Quantizing.WeightOnly;

namespace LoraOps.Onnx.Quantizing.Dynamic;

/// <summary>A matrix as symmetric int8 with one scale for each output, or for all; scales are those of the least squared error.</summary>
internal sealed class ColumnWeight
{
    private readonly float[] _values;
    private readonly WeightedNode _node;
    private readonly BlockedWeight _blocked;
    private readonly CodeRange _range;
    private readonly bool _isPerChannel;

    /// <param name="values">The weight as it is stored, Gemm's alpha multiplied in.</param>
    /// <param name="node">The layer.</param>
    /// <param name="scheme">How the chip wants weights.</param>
    /// <param name="search">How scales are found.</param>
    public ColumnWeight(float[] values, WeightedNode node, WeightScheme scheme, ScaleSearch search)
    {
        _values = values;
        _node = node;
        _isPerChannel = scheme.IsPerChannel(node.Node.OpType);
        _range = scheme.ReducedRange ? CodeRange.Int8Reduced : CodeRange.Int8Symmetric;
        var dims = node.Weight!.Dims;
        (Outputs, Inputs) = (checked((int)dims[node.OutputAxis]), checked((int)dims[1 - node.OutputAxis]));
        var (rows, columns) = _isPerChannel ? (Outputs, Inputs) : (1, values.Length);
        var grid = new BlockGrid(rows, columns, columns, 8, IsAsymmetric: false);
        grid = grid with { Lowest = grid.Middle + _range.Low, Highest = grid.Middle + _range.High };
        _blocked = BlockSearch.Quantize(MatrixLayers.Oriented(values, node, outputsFirst: true), grid, search);
    }

    /// <summary>N.</summary>
    public int Outputs { get; }

    /// <summary>K.</summary>
    public int Inputs { get; }

    /// <summary>One for each output, or one for all.</summary>
    public float[] Scales => _blocked.Scales;

    /// <summary>The dimension of the stored weight that has one scale each, or −1.</summary>
    public int Axis => _isPerChannel ? _node.OutputAxis : -1;

    /// <summary>What others need to choose codes.</summary>
    public LayerWeight Describe(WeightedNode node) =>
        new(node, _values, [.. node.Weight!.Dims], node.OutputAxis, Axis, Scales, _range);

    /// <summary>The codes as MatMulInteger takes them, int8 [K, N].</summary>
    /// <param name="chosen">Codes in the stored weight's order, or null for the nearest.</param>
    public byte[] Codes(sbyte[]? chosen)
    {
        if (chosen is not null && chosen.Length != _values.Length)
            throw new ArgumentException($"There are {chosen.Length} codes for {_values.Length} elements.", nameof(chosen));

        if (chosen is not null && _node.OutputAxis == 1)
            return MemoryMarshal.AsBytes(chosen.AsSpan()).ToArray();

        var codes = new byte[_values.Length];
        for (var row = 0; row < Outputs; row++)
        {
            for (var column = 0; column < Inputs; column++)
            {
                var at = (row * Inputs) + column;
                codes[(column * Outputs) + row] = (byte)(chosen is null ? _blocked.Codes[at] - _blocked.Grid.Middle : chosen[at]);
            }
        }

        return codes;
    }
}
