namespace LoraOps.Adapters;

/// <summary>The dotted name of a layer in the base model, for example <c>vit.layers.0.attention.q_proj</c>.</summary>
public readonly record struct ModuleName(string Value) : IComparable<ModuleName>
{
    /// <summary>True if the dots were written as underscores (kohya), so that only a base's own names tell the layer.</summary>
    public bool IsFlat { get; init; }

    /// <summary>The parts between the dots.</summary>
    public string[] Segments => Value.Split('.');

    /// <summary>The name of one of the layer's parameters: <c>….q_proj</c> and <c>weight</c> give <c>….q_proj.weight</c>.</summary>
    public string Parameter(string parameter) => Value.Length == 0 ? parameter : $"{Value}.{parameter}";

    /// <inheritdoc/>
    public int CompareTo(ModuleName other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value;

    /// <summary>Ordinal order.</summary>
    public static bool operator <(ModuleName left, ModuleName right) => left.CompareTo(right) < 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >(ModuleName left, ModuleName right) => left.CompareTo(right) > 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator <=(ModuleName left, ModuleName right) => left.CompareTo(right) <= 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >=(ModuleName left, ModuleName right) => left.CompareTo(right) >= 0;
}
