using System.Numerics;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using MathNet.Numerics.IntegralTransforms;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scaling · Re(ifft2(F)) of a spectrum that is zero but for a few entries (FourierFT, arXiv:2405.03003). Their places are the
/// beginning of a random permutation of all elements, drawn again from the seed. Row o of ΔW is the inverse transform of one
/// row: entry (p, q) turned by p · o / out and added at q.
/// </summary>
public sealed class FourierFtDelta : Delta
{
    private readonly Tensor _spectrum;
    private readonly long _seed;
    private readonly string _file;

    internal FourierFtDelta(Tensor spectrum, double scaling, long seed, string file)
    {
        (_spectrum, _seed, _file) = (spectrum, seed, file);
        Scale = scaling;
    }

    /// <inheritdoc/>
    public override string Method => "fourierft";

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
    public override long PreparedBytes(TensorShape weight) => SeededPlaces.BytesOf(_spectrum.Shape.ElementCount) + (16 * (weight.Rank > 0 ? weight[0] : 1));

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">The weight is so large that PyTorch's versions draw different places.</exception>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var places = SeededPlaces.Draw(weight, _spectrum, _seed, _file);
        var (rows, columns) = (checked((int)weight.Shape[0]), checked((int)weight.Shape[1]));
        var turns = new Complex[rows];
        for (var turn = 0; turn < rows; turn++)
            turns[turn] = Complex.FromPolarCoordinates(1, 2 * Math.PI * turn / rows);

        var factor = Scale / ((double)rows * columns);
        return new Rows([.. places.Select(place => place with { Value = place.Value * factor })], turns, columns);
    }

    private sealed class Rows((int Row, int Column, double Value)[] spectrum, Complex[] turns, int columns) : RowUpdate
    {
        public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
        {
            // The transform wants an array of just this length.
            var samples = new Complex[columns];
            for (var at = 0; at < rows.Length; at += columns, first++)
            {
                Array.Clear(samples);
                foreach (var (row, column, value) in spectrum)
                    samples[column] += value * turns[row * first % turns.Length];

                Fourier.Inverse(samples, FourierOptions.NoScaling);
                for (var column = 0; column < columns; column++)
                    rows[at + column] = (float)(rows[at + column] + (factor * samples[column].Real));
            }
        }
    }
}

/// <summary>Places that PEFT does not save but draws from a seed.</summary>
internal static class SeededPlaces
{
    /// <summary>The bytes that drawing so many places takes.</summary>
    public static long BytesOf(long count) => 96 * count;

    /// <summary>Row, column and value of each entry; entry i lies at element i of a random permutation of all elements.</summary>
    /// <exception cref="LoraOpsException">The weight is so large that PyTorch's versions draw different places.</exception>
    public static (int Row, int Column, double Value)[] Draw(TargetWeight weight, Tensor values, long seed, string file)
    {
        var (count, columns) = (weight.Shape.ElementCount, weight.Shape[1]);
        if (count >= TorchGenerator.PermutationLimit)
            throw new LoraOpsException(AdapterProblems.TensorInvalid(
                file,
                values.Name,
                $"belongs to a weight of {count} elements, and from {TorchGenerator.PermutationLimit} on its places depend "
                + "on the PyTorch version that drew them"));

        var floats = values.ToFloats();
        var places = new TorchGenerator(seed).Permutation(count, floats.Length);
        return [.. places.Select((place, index) => ((int)(place / columns), (int)(place % columns), (double)floats[index]))];
    }
}

/// <summary>Reads FourierFT: fourierft_spectrum.</summary>
public sealed class FourierFtMethod : AdapterMethod
{
    /// <inheritdoc/>
    public override string Name => "fourierft";

    /// <inheritdoc/>
    public override string PeftType => "FOURIERFT";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = ["fourierft_spectrum"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } = ["n_frequency", "n_frequency_pattern", "random_loc_seed", "scaling"];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings) => Require(config, findings, "random_loc_seed", "scaling");

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var parts = new PartReader(tensors, findings);
        if (parts.Shaped(Parts[0], "[entries]", -1) is not { } spectrum)
            return [];

        parts.CompareFrequencies(config, spectrum);
        return [new FourierFtDelta(spectrum, config.Values.Number("scaling", 1), Seeds.Of(config, "random_loc_seed"), tensors.File)];
    }
}
