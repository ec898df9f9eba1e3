namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>How a matrix is cut into blocks that share a scale, and what codes they have.</summary>
/// <param name="Rows">N, the outputs.</param>
/// <param name="Columns">K, the inputs: a block lies along them.</param>
/// <param name="Block">How many inputs share a scale; the last block of a row may be shorter.</param>
/// <param name="Bits">The bits of a code, 4 or 8.</param>
/// <param name="IsAsymmetric">True if each block has a zero point of its own.</param>
public sealed record BlockGrid(int Rows, int Columns, int Block, int Bits, bool IsAsymmetric)
{
    /// <summary>The blocks of a row.</summary>
    public int Blocks => ((Columns - 1) / Block) + 1;

    /// <summary>The zero point of symmetric codes: half of the codes lie below it.</summary>
    public int Middle => 1 << (Bits - 1);

    /// <summary>The lowest code.</summary>
    public int Lowest { get; init; }

    /// <summary>The highest code.</summary>
    public int Highest { get; init; } = (1 << Bits) - 1;

    /// <summary>
    /// False if symmetric scales must be positive; else a scale may be negative, so that the largest magnitude of a block gets the one more code.
    /// </summary>
    public bool AllowsNegativeScales { get; init; }
}
