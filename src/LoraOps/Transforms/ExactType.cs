using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>The type that an adapter's factors keep when scales are folded into B: their own where no value is rounded by it, else F32.</summary>
internal static class ExactType
{
    /// <summary>The one half type of all factors if every folded value has it, else F32.</summary>
    /// <param name="modules">The modules of one adapter.</param>
    /// <param name="fold">What a module's B and bias are multiplied with.</param>
    public static ElementType Of(IReadOnlyList<MixedModule> modules, Func<MixedModule, double> fold)
    {
        var types = modules.SelectMany(module => Parts(module.Owners[0])).Select(part => part?.Type ?? ElementType.F32).Distinct().Take(2).ToList();
        return types is [ElementType.BF16 or ElementType.F16] && modules.All(module => IsExact(module.Owners[0], fold(module))) ? types[0] : ElementType.F32;
    }

    private static Tensor?[] Parts(Owner owner)
    {
        Tensor?[] parts = owner.Weight.Delta switch
        {
            LoraDelta lora => [lora.A, lora.B],
            DoraDelta dora => [dora.Factors.A, dora.Factors.B, dora.Magnitude],
            _ => [null],
        };
        return owner.Bias?.Delta is BiasDelta bias ? [.. parts, bias.Bias] : parts;
    }

    private static bool IsExact(Owner owner, double factor)
    {
        var b = owner.Weight.Delta is DoraDelta dora ? dora.Factors.B : ((LoraDelta)owner.Weight.Delta).B;
        return IsExact(b, factor) && (owner.Bias?.Delta is not BiasDelta bias || IsExact(bias.Bias, factor));
    }

    private static bool IsExact(Tensor tensor, double factor)
    {
        var folded = Array.ConvertAll(tensor.ToFloats(), value => value * factor);
        var stored = BufferTensor.FromFloats(tensor.Name, tensor.Type, tensor.Shape, Array.ConvertAll(folded, value => (float)value)).ToFloats();
        return stored.Zip(folded).All(pair => pair.First.Equals((float)pair.Second) && ((double)pair.First).Equals(pair.Second));
    }
}
