using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>Mixes one module at a time.</summary>
internal sealed class ModuleWork(MixRequest request, OriginalWeights? original, IReadOnlyList<MixedModule> modules)
{
    private readonly IReadOnlyList<double> _weights = [.. request.Adapters.Select(source => source.Weight)];

    // PEFT gives every layer but embeddings a bias if one has it.
    private readonly bool _hasBiases = modules.Any(module => module.Owners.Any(owner => owner.Bias is not null));

    /// <summary>The module as it is written, and what came of it.</summary>
    public (WrittenModule Module, ModuleOutcome Outcome) Of(MixedModule module)
    {
        var shares = module.Owners.Select(owner => new MixShare(owner.Position, _weights[owner.Position], Delta(owner.Weight))).ToList();
        var mixed = request.Method.Mix(new MixModule(module.Name, shares, _weights), request.Settings);
        var result = Truncation.Of(mixed, RankRule.Of(request.Settings));
        return (Results.Module(module, result.Factors, Bias(module)), Results.Outcome(module, result));
    }

    /// <summary>About how many bytes of memory a module takes.</summary>
    public long BytesOf(MixedModule module)
    {
        var (rows, columns, rank) = ((long)module.Rows, (long)module.Columns, (long)Math.Max(module.RankSum, request.Settings.Rank ?? 0));
        var factors = 4 * sizeof(double) * (rows + columns) * Math.Max(rank, 1);
        return factors + (request.Settings.Rank is null && module.RankSum == 0 ? 3 * sizeof(double) * rows * columns : sizeof(float) * rows * columns);
    }

    private DeltaMatrix Delta(AdapterModule module) => DeltaMatrices.Of(module.Delta, original?.Of(module));

    private double[]? Bias(MixedModule module)
    {
        if (!_hasBiases || module.Layer == LayerKind.Embedding)
            return null;

        var sum = new double[module.Rows];
        foreach (var owner in module.Owners.Where(owner => owner.Bias is not null))
        {
            var delta = (BiasDelta)owner.Bias!.Delta;
            var values = delta.Bias.ToFloats();
            for (var row = 0; row < sum.Length; row++)
                sum[row] += _weights[owner.Position] * delta.Scale * values[row];
        }

        return sum;
    }
}
