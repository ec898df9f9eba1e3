using LoraOps.Adapters;
using LoraOps.Onnx.Mapping;

namespace LoraOps.Onnx.Branches;

/// <summary>
/// Everything that all adapters do at one node as factors side by side: y ← y + y ⊙ Σ wᵢ·(gᵢ − 1) + ((x · A + c) ⊙ spread(w)) · B. Each column
/// belongs to one adapter; DoRA's g is in B, and a change of the bias is a row of B whose column is the constant 1.
/// </summary>
internal sealed class SwitchTerms(BranchNode site)
{
    private readonly List<(int Adapter, BranchFactors Factors)> _terms = [];
    private readonly SortedDictionary<int, float[]> _gains = [];
    private readonly SortedDictionary<int, float[]> _biases = [];

    /// <summary>The adapter of each column.</summary>
    public IReadOnlyList<int> Owners => [.. _terms.SelectMany(term => Enumerable.Repeat(term.Adapter, term.Factors.Rank)), .. _biases.Keys];

    /// <summary>The columns.</summary>
    public int Columns => _terms.Sum(term => term.Factors.Rank) + _biases.Count;

    /// <summary>The columns that a slot needs to hold any one adapter; the last one is the constant's if a bias changes.</summary>
    public int SlotRank => _terms.GroupBy(term => term.Adapter).Select(own => own.Sum(term => term.Factors.Rank)).DefaultIfEmpty().Max()
        + (_biases.Count > 0 ? 1 : 0);

    /// <summary>The constant of each column: 1 for a bias's, else 0; null if no bias changes.</summary>
    public float[]? Constants => _biases.Count == 0
        ? null
        : [.. Enumerable.Repeat(0f, Columns - _biases.Count), .. Enumerable.Repeat(1f, _biases.Count)];

    /// <summary>True if an adapter rescales the layer's own output.</summary>
    public bool IsRescaled => _gains.Count > 0;

    /// <summary>Adds a change of a module's weight.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="place">The module's share of the node.</param>
    /// <param name="factors">The change in the module's own frame.</param>
    public void Add(int adapter, WeightPlace place, BranchFactors factors)
    {
        var outputs = checked((int)site.Outputs);
        var own = site.Layer == LayerKind.Convolution ? factors.B.Length / factors.Rank : factors.B.Length / Math.Max(1, factors.Rank);
        var part = place.Part ?? new RowRange(0, own);
        var first = (int)(place.Rows?.First ?? 0);
        var b = new float[factors.Rank * outputs];
        for (var output = 0; output < part.Count; output++)
        {
            var gain = factors.Gains?[part.First + output] ?? 1;
            var norm = site.Norm?.Factors[first + output] ?? 1;
            for (var column = 0; column < factors.Rank; column++)
                b[At(column, first + output, factors.Rank, outputs)] = factors.B[At(column, (int)part.First + output, factors.Rank, own)] * gain * norm;
        }

        _terms.Add((adapter, new BranchFactors(factors.Rank, factors.A, b)));
        for (var output = 0; factors.Gains is not null && output < part.Count; output++)
            Row(_gains, adapter)[first + output] = factors.Gains[part.First + output] - 1;
    }

    /// <summary>Adds a change of the node's bias.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="change">New value − old one, one for each output.</param>
    public void AddBias(int adapter, ReadOnlySpan<float> change)
    {
        var row = Row(_biases, adapter);
        for (var output = 0; output < row.Length; output++)
            row[output] += change[output] * (site.Norm?.Factors[output] ?? 1);
    }

    /// <summary>Takes the bias out of what DoRA rescales: the node has added it already.</summary>
    /// <param name="bias">The node's own bias, one for each output.</param>
    public void KeepBias(ReadOnlySpan<float> bias)
    {
        foreach (var (adapter, gains) in _gains)
        {
            var row = Row(_biases, adapter);
            for (var output = 0; output < row.Length; output++)
                row[output] -= gains[output] * bias[output];
        }
    }

    /// <summary>A of all columns: [in, columns], or [columns, in, kernel…].</summary>
    public float[] A() => Joined([.. _terms.Select(term => (term.Factors.A, term.Factors.Rank)), .. _biases.Select(_ => (new float[InputLength()], 1))]);

    /// <summary>B of all columns: [columns, out], or [out, columns, 1…].</summary>
    public float[] B()
    {
        var (columns, outputs, next) = (Columns, (int)site.Outputs, 0);
        var b = new float[columns * outputs];
        foreach (var (rank, values) in _terms.Select(term => (term.Factors.Rank, term.Factors.B)).Concat(_biases.Values.Select(row => (1, row))))
        {
            for (var column = 0; column < rank; column++, next++)
            {
                for (var output = 0; output < outputs; output++)
                    b[At(next, output, columns, outputs)] = values[At(column, output, rank, outputs)];
            }
        }

        return b;
    }

    /// <summary>gᵢ − 1 of each adapter: [adapters, out].</summary>
    public float[] Gains(int adapters)
    {
        var rows = new float[adapters * (int)site.Outputs];
        foreach (var (adapter, row) in _gains)
            row.CopyTo(rows, adapter * row.Length);

        return rows;
    }

    private long InputLength() => site.Layer switch
    {
        LayerKind.Convolution => site.Use.WholeShape.RowLength,
        LayerKind.Embedding => site.Use.Shape[0],
        _ => site.Use.Shape[1],
    };

    private float[] Joined(List<(float[] Values, int Rank)> parts)
    {
        if (site.Layer == LayerKind.Convolution)
            return [.. parts.SelectMany(part => part.Values)];

        return SideBySide(checked((int)InputLength()), parts);
    }

    /// <summary>Matrices of as many rows, row-major, one beside the other.</summary>
    public static float[] SideBySide(int rows, IReadOnlyList<(float[] Values, int Columns)> parts)
    {
        var columns = parts.Sum(part => part.Columns);
        var joined = new float[checked(rows * columns)];
        var at = 0;
        foreach (var (values, width) in parts)
        {
            for (var row = 0; row < rows; row++)
                values.AsSpan(row * width, width).CopyTo(joined.AsSpan((row * columns) + at));

            at += width;
        }

        return joined;
    }

    private int At(int column, int output, int columns, int outputs) =>
        site.Layer == LayerKind.Convolution ? (output * columns) + column : (column * outputs) + output;

    private float[] Row(SortedDictionary<int, float[]> rows, int adapter)
    {
        if (!rows.TryGetValue(adapter, out var row))
            rows[adapter] = row = new float[(int)site.Outputs];

        return row;
    }
}
