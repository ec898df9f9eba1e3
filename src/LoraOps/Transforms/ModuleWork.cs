using LoraOps.Adapters;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>Mixes one module at a time.</summary>
internal sealed class ModuleWork(MixRequest request, PeftDefects defects, OriginalWeights? original, IReadOnlyList<MixedModule> modules)
{
    private readonly IReadOnlyList<double> _weights = [.. request.Adapters.Select(source => source.Weight)];
    private readonly FloatRoom _room = new();
    private readonly ModuleBiases _biases = new(modules, [.. request.Adapters.Select(source => source.Weight)]);

    /// <summary>The module as it is written, and what came of it.</summary>
    public (WrittenModule Module, ModuleOutcome Outcome) Of(MixedModule module)
    {
        var shares = module.Owners.Select(Share).ToList();
        var mixed = request.Method.Mix(new MixModule(module.Name, shares, _weights), request.Settings);
        var result = Truncation.Of(mixed, RankRule.Of(request.Settings), _room).Times(defects.Factor);
        var written = Results.Module(module, result.Factors, _biases.Of(module));
        return (defects.HasNorms ? written with { Magnitude = Norms(module) } : written, Results.Outcome(module, result));
    }

    /// <summary>About how many bytes of memory a module takes.</summary>
    public long BytesOf(MixedModule module)
    {
        var (rows, columns, rank) = ((long)module.Rows, (long)module.Columns, (long)Math.Max(module.RankSum, request.Settings.Rank ?? 0));
        var factors = 4 * sizeof(double) * (rows + columns) * Math.Max(rank, 1);
        if (module.RankSum > 0 && !request.Method.GivesFullRank)
            return factors;

        // The elements with an identity, or one copy in float32 that is cut.
        return factors + ((request.Settings.Rank is null && request.Settings.Energy is null ? 3 * sizeof(double) : sizeof(float)) * rows * columns);
    }

    private MixShare Share(Owner owner)
    {
        var delta = DeltaMatrices.Of(owner.Weight.Delta, original?.Of(owner.Weight));
        var again = defects.ScalesTwice ? owner.Weight.Delta.Scale : 1;
        return new MixShare(owner.Position, _weights[owner.Position] * again, delta);
    }

    private double[] Norms(MixedModule module) => DeltaMatrices.RowNorms(
        original!.Of(module.Owners[0].Weight) ?? throw new LoraOpsException(MergeProblems.ModuleUnmatched(
            original.Model.Weights.Path, request.Adapters[0].Adapter.Name, module.Name.Parameter("weight"), "")),
        module.Layer, (module.Rows, module.Columns));
}
