using System.Buffers;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// The consensus of TIES (arXiv:2306.01708): each element elects a sign, and only the values of that sign are added. Zeros
/// agree with no sign; where votes cancel exactly, the elected sign is +. Works its rows out when they are read.
/// </summary>
public sealed class Consensus : DeltaMatrix
{
    private const int TileElements = 1 << 17;

    private readonly DeltaMatrix[] _deltas;
    private readonly SignElection _election;
    private readonly double _lambda;

    private Consensus(IReadOnlyList<(double Weight, DeltaMatrix X)> terms, MixSettings settings)
        : base(terms[0].X.Rows, terms[0].X.Columns)
    {
        double[] weights = [.. terms.Select(term => term.Weight)];
        var ones = Array.ConvertAll(weights, _ => 1.0);
        var divisors = settings.Divisor switch { Divisor.Count => ones, Divisor.Weights => weights, _ => new double[weights.Length] };
        _deltas = [.. terms.Select(term => term.X)];
        var (voices, gains) = settings.ElectOn == ElectOn.Weighted ? (weights, ones) : (ones, weights);
        _election = new SignElection(voices, gains, divisors, settings.MajoritySignMethod == SignVote.Frequency);
        _lambda = settings.Lambda;
    }

    /// <summary>λ · the sum of the agreeing weight · x over its divisor.</summary>
    /// <param name="terms">The weights and sparsified deltas of the owners, at least one, all of one size.</param>
    /// <param name="settings">What votes, how, what sums are divided by, and λ; nothing else is looked at.</param>
    public static DeltaMatrix Of(IReadOnlyList<(double Weight, DeltaMatrix X)> terms, MixSettings settings) => new Consensus(terms, settings);

    /// <summary>The same of a module's owners.</summary>
    internal static DeltaMatrix Of(MixModule module, MixSettings settings) =>
        Of([.. module.Shares.Select(share => (share.Weight, share.Delta))], settings);

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        // Rows of all owners stay in the second-level cache until they have voted.
        var tileRows = Tiles.Rows(TileElements, (long)_deltas.Length * Columns, Rows);
        var tile = Math.Min(values.Length, tileRows * Columns);
        var pooled = ArrayPool<double>.Shared.Rent(checked(tile * _deltas.Length));
        for (var row = first; !values.IsEmpty; row += tileRows)
        {
            var mixed = values[..Math.Min(tile, values.Length)];
            for (var owner = 0; owner < _deltas.Length; owner++)
                _deltas[owner].Read(row, pooled.AsSpan(owner * mixed.Length, mixed.Length));

            _election.Mix(pooled.AsSpan(0, mixed.Length * _deltas.Length), _lambda, mixed);
            values = values[mixed.Length..];
        }

        ArrayPool<double>.Shared.Return(pooled);
    }
}
