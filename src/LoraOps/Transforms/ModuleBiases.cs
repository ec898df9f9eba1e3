using LoraOps.Adapters;
using LoraOps.Deltas;

namespace LoraOps.Transforms;

/// <summary>What a new adapter adds to the biases of its layers: Σ weight · scale · b over the owners.</summary>
/// <param name="modules">All modules of the new adapter.</param>
/// <param name="weights">The weight of each adapter by its position.</param>
internal sealed class ModuleBiases(IReadOnlyList<MixedModule> modules, IReadOnlyList<double> weights)
{
    // PEFT gives every layer but embeddings a bias if one has it.
    private readonly bool _hasBiases = modules.Any(module => module.Owners.Any(owner => owner.Bias is not null));

    /// <summary>[out] of a module, zeros where only other modules have a bias; null if none has, or it is an embedding.</summary>
    public double[]? Of(MixedModule module)
    {
        if (!_hasBiases || module.Layer == LayerKind.Embedding)
            return null;

        var sum = new double[module.Rows];
        foreach (var owner in module.Owners.Where(owner => owner.Bias is not null))
        {
            var delta = (BiasDelta)owner.Bias!.Delta;
            var values = delta.Bias.ToFloats();
            for (var row = 0; row < sum.Length; row++)
                sum[row] += weights[owner.Position] * delta.Scale * values[row];
        }

        return sum;
    }
}
