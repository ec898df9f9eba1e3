using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scaling · the inverse wavelet transform of a matrix that is zero but for a few entries (WaveFT, arXiv:2505.12532), or that
/// matrix itself. Their places are drawn as FourierFT draws them; the four quarters of the matrix, padded to an even size, are
/// the approximation and the horizontal, vertical and diagonal details of Haar's wavelet at one level.
/// </summary>
public sealed class WaveFtDelta : Delta
{
    private readonly Tensor _spectrum;
    private readonly long _seed;
    private readonly bool _isTransformed;
    private readonly string _file;

    internal WaveFtDelta(Tensor spectrum, double scaling, (long Seed, bool IsTransformed) places, string file)
    {
        (_spectrum, _file) = (spectrum, file);
        (_seed, _isTransformed) = places;
        Scale = scaling;
    }

    /// <inheritdoc/>
    public override string Method => "waveft";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => 0;

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override string Expected => $"two dimensions and at least {_spectrum.Shape.ElementCount} elements";

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) => weight.Rank == 2 && weight.ElementCount >= _spectrum.Shape.ElementCount;

    /// <inheritdoc/>
    public override long PreparedBytes(TensorShape weight) =>
        SeededPlaces.BytesOf(_spectrum.Shape.ElementCount) + SparseEntries.BytesOf(weight.Rank > 0 ? weight[0] : 1, 4 * _spectrum.Shape.ElementCount);

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">The weight is so large that PyTorch's versions draw different places.</exception>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (rows, columns) = (checked((int)weight.Shape[0]), checked((int)weight.Shape[1]));
        var places = SeededPlaces.Draw(weight, _spectrum, _seed, _file).Select(place => place with { Value = place.Value * Scale });
        var entries = _isTransformed
            ? [.. places.SelectMany(place => Patch(place, rows, columns)).Where(entry => entry.Row < rows && entry.Column < columns)]
            : places.ToArray();
        Array.Sort(entries, (a, b) => (a.Row, a.Column, a.Value).CompareTo((b.Row, b.Column, b.Value)));
        return new SparseRows(new SparseEntries(rows, entries), columns);
    }

    // A coefficient of Haar's transform is spread over 2 × 2 elements with a factor of ½; a detail along an axis changes sign there.
    private static IEnumerable<(int Row, int Column, double Value)> Patch((int Row, int Column, double Value) place, int rows, int columns)
    {
        var (height, width) = ((rows + 1) / 2, (columns + 1) / 2);
        var (isRight, isLower) = (place.Column >= width, place.Row >= height);
        for (var corner = 0; corner < 4; corner++)
        {
            var (down, right) = (corner / 2, corner % 2);

            // The upper right quarter holds the details along the rows' axis, the lower left those along the columns'.
            var isNegative = (isRight && down == 1) ^ (isLower && right == 1);
            yield return (
                (2 * (place.Row % height)) + down, (2 * (place.Column % width)) + right, isNegative ? -place.Value / 2 : place.Value / 2);
        }
    }
}

/// <summary>Reads WaveFT: waveft_spectrum.</summary>
public sealed class WaveFtMethod : AdapterMethod
{
    private const string Haar = "db1";

    /// <inheritdoc/>
    public override string Name => "waveft";

    /// <inheritdoc/>
    public override string PeftType => "WAVEFT";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["waveft_spectrum"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
    [
        "n_frequency", "n_frequency_pattern", "proportional_parameters", "random_loc_seed", "scaling", "use_idwt", "wavelet_family",
    ];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        Require(config, findings, "random_loc_seed", "scaling");
        if (config.Values.Flag("use_idwt", fallback: true) && config.Values.Text("wavelet_family") is { } family and not Haar)
        {
            findings.Problems.Add(AdapterProblems.VariantRefused(
                config.Values.File, $"wavelet_family '{family}'", $"only the transform of '{Haar}' is read", $"Train with wavelet_family '{Haar}'."));
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped(Parts[0], "[entries]", -1) is not { } spectrum)
            return [];

        parts.CompareFrequencies(config, spectrum);
        var places = (Seeds.Of(config, "random_loc_seed"), config.Values.Flag("use_idwt", fallback: true));
        return [new WaveFtDelta(spectrum, config.Values.Number("scaling", 1), places, tensors.File)];
    }
}
