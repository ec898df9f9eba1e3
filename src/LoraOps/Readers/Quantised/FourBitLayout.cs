using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>
/// bitsandbytes' 4-bit weights: <c>W</c> packed, <c>W.absmax</c>, <c>W.quant_map</c>, with double quantisation
/// <c>W.nested_absmax</c> and <c>W.nested_quant_map</c>, and <c>W.quant_state.bitsandbytes__nf4</c> (or __fp4): JSON as bytes.
/// </summary>
internal sealed class FourBitLayout : QuantisedLayout
{
    private const string StateMark = ".quant_state.bitsandbytes__";
    private static readonly string[] Suffixes = [".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"];
    private static readonly string[] Kinds = ["nf4", "fp4"];
    private static readonly ElementType[] Single = [ElementType.F32];

    /// <inheritdoc/>
    public override string Name => "bitsandbytes 4 bit";

    /// <inheritdoc/>
    public override void Read(LayoutReading reading)
    {
        var states = reading.Names.Where(name => name.Contains(StateMark, StringComparison.Ordinal)).ToLookup(Owner, StringComparer.Ordinal);
        foreach (var (weight, name) in states.SelectMany(group => group.Select(name => (group.Key, name))))
        {
            var kind = name[(weight.Length + StateMark.Length)..];
            if (!Kinds.Contains(kind))
                reading.Unsupported(name, $"the 4-bit code '{kind}' is unknown; nf4 and fp4 are read");
            else if (reading.Required(name, weight) is { } codes && State(reading, name, kind) is { } state)
                Add(reading, codes, name, state);
        }

        foreach (var name in reading.Names.Where(name => Suffixes.Any(suffix => IsPart(name, suffix) && !states.Contains(name[..^suffix.Length]))))
            reading.Missing(name, name[..name.LastIndexOf('.')] + StateMark + Kinds[0]);
    }

    private static string Owner(string state) => state[..state.IndexOf(StateMark, StringComparison.Ordinal)];

    private static bool IsPart(string name, string suffix) => name.EndsWith(suffix, StringComparison.Ordinal);

    private static void Add(LayoutReading reading, Tensor codes, string stateName, FourBitState state)
    {
        var elements = state.Shape.ElementCount;
        var most = (UInt128)codes.ByteLength * 2;
        if (elements == 0 || most < (UInt128)elements || most - (UInt128)elements >= (UInt128)(codes.Type.Bits() / 4))
            reading.Invalid(codes.Name, $"it has {codes.ByteLength} bytes, and its quant_state says shape {state.Shape}, two elements a byte");
        else if (Scales(reading, codes.Name, state, ((elements - 1) / state.BlockSize) + 1) is { } scales)
            reading.Add(
                codes.Name,
                new FourBitTensor(codes.Name, state.Type, state.Shape, codes, scales) { Format = state.Format },
                Suffixes.Select(suffix => codes.Name + suffix).Append(stateName));
    }

    private static FourBitScales? Scales(LayoutReading reading, string name, FourBitState state, long blocks)
    {
        var (absmax, table) = (reading.Required(name, name + ".absmax"), reading.Required(name, name + ".quant_map"));
        if (absmax is null || table is null || !reading.Fits(table, Single, FourBitScales.TableLength) ||
            !reading.Fits(absmax, state.IsNested ? [ElementType.U8] : Single, blocks))
            return null;

        if (!state.IsNested)
            return new FourBitScales(table.ToFloats(), state.BlockSize, absmax, null);

        var (second, map) = (reading.Required(name, name + ".nested_absmax"), reading.Required(name, name + ".nested_quant_map"));
        if (second is null || map is null || !reading.Fits(map, Single, NestedScales.TableLength) ||
            !reading.Fits(second, Single, ((blocks - 1) / state.NestedBlockSize) + 1))
            return null;

        var nested = new NestedScales(map.ToFloats(), state.NestedBlockSize, second, state.NestedOffset);
        return new FourBitScales(table.ToFloats(), state.BlockSize, absmax, nested);
    }

    private static FourBitState? State(LayoutReading reading, string name, string kind)
    {
        try
        {
            return FourBitState.Read(reading.Find(name)!, kind);
        }
        catch (FormatException error)
        {
            reading.Invalid(name, error.Message);
            return null;
        }
    }
}
