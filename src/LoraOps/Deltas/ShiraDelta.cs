using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>ΔW = values at single places of the weight (SHiRA, arXiv:2406.13175); values of one place are summed.</summary>
public sealed class ShiraDelta : Delta
{
    private readonly Tensor _values;
    private readonly Tensor _indices;
    private readonly string _file;

    internal ShiraDelta(Tensor values, Tensor indices, string file) => (_values, _indices, _file) = (values, indices, file);

    /// <inheritdoc/>
    public override string Method => "shira";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale => 1;

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => "two dimensions";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank == 2;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) => SparseEntries.BytesOf(weight.Rank > 0 ? weight[0] : 1, _values.Shape.ElementCount);

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">An index lies outside.</exception>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rows, columns) = (weight.Shape[0], weight.Shape[1]);
        var (values, places) = (_values.ToFloats(), IndexValues.Read(_indices));
        var entries = new (int Row, int Column, double Value)[values.Length];
        for (var index = 0; index < values.Length; index++)
        {
            var (row, column) = (places?[index] ?? -1, places?[values.Length + index] ?? -1);
            if (row < 0 || row >= rows || column < 0 || column >= columns)
                throw new LoraOpsException(AdapterProblems.TensorInvalid(
                    _file, _indices.Name, $"names the element [{row}, {column}] of a weight of shape {weight.Shape}"));

            entries[index] = ((int)row, (int)column, values[index]);
        }

        Array.Sort(entries, (a, b) => (a.Row, a.Column, a.Value).CompareTo((b.Row, b.Column, b.Value)));
        return new SparseRows(new SparseEntries((int)rows, entries), (int)columns);
    }
}

/// <summary>Reads SHiRA: shira_weight and shira_indices (PEFT on Windows saved the latter as float32).</summary>
public sealed class ShiraMethod : AdapterMethod
{
    private const string Values = "shira_weight";
    private const string Indices = "shira_indices";

    /// <inheritdoc/>
    public override string Name => "shira";

    /// <inheritdoc/>
    public override string PeftType => "SHIRA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [Values, Indices];

    /// <inheritdoc/>
    public override IReadOnlyList<string> IndexParts { get; } = [Indices];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["mask_type", "r", "random_seed"];

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped(Values, "[values]", -1) is not { } values || parts.Shaped(Indices, "[2, values]", 2, values.Shape[0]) is not { } indices)
            return [];

        var isWhole = IndexValues.Read(indices)?.All(index => index >= 0) == true;
        return isWhole || parts.Refuse(indices, "holds indices that are negative or no whole numbers")
            ? [new ShiraDelta(values, indices, tensors.File)]
            : [];
    }
}
