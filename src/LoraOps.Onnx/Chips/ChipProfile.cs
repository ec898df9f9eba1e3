namespace LoraOps.Onnx.Chips;

/// <summary>The integer type that a chip wants its activations in.</summary>
public enum ActivationType
{
    /// <summary>Signed, −128 … 127.</summary>
    Int8,

    /// <summary>Unsigned, 0 … 255.</summary>
    Uint8,

    /// <summary>Signed, −32768 … 32767.</summary>
    Int16,

    /// <summary>Unsigned, 0 … 65535.</summary>
    Uint16,
}

/// <summary>How a quantized weight lies in the file.</summary>
public enum WeightStorage
{
    /// <summary>Integers and a DequantizeLinear: a quarter of the size.</summary>
    Dq,

    /// <summary>Floats, a QuantizeLinear and a DequantizeLinear: the oldest form that TensorRT reads.</summary>
    FloatQDq,
}

/// <summary>What becomes of the bias of a quantized layer.</summary>
public enum BiasPolicy
{
    /// <summary>It stays as it is.</summary>
    Float,

    /// <summary>It is stored as int32 with the scale of activation times weight.</summary>
    Int32,
}

/// <summary>How much of the names a quantized model keeps.</summary>
public enum NamePolicy
{
    /// <summary>All, since the chip's compiler lets people set precision by name.</summary>
    Full,

    /// <summary>Those of the model's inputs and outputs and of the weighted nodes.</summary>
    Short,
}

/// <summary>How serious a broken rule is.</summary>
public enum Severity
{
    /// <summary>The chip runs the model, but slower or less exactly than it could.</summary>
    Warn,

    /// <summary>The chip or its compiler refuses the model.</summary>
    Error,
}

/// <summary>How activations are quantized: one scale and zero point per tensor.</summary>
/// <param name="Type">Their integer type.</param>
/// <param name="Symmetric">True if the zero point is the middle of the type.</param>
/// <param name="MinRealRange">The smallest span of a range in real numbers; 0 for none.</param>
public sealed record ActivationScheme(ActivationType Type, bool Symmetric, double MinRealRange);

/// <summary>How weights are quantized: always symmetric int8.</summary>
/// <param name="PerChannel">One scale per output channel, else one per tensor.</param>
/// <param name="ReducedRange">Seven bits, for CPUs whose int8 products saturate in int16.</param>
/// <param name="Storage">How they lie in the file.</param>
public sealed record WeightScheme(bool PerChannel, bool ReducedRange, WeightStorage Storage)
{
    /// <summary>The weighted ops that <see cref="PerChannel"/> holds for; all of them if the file does not say.</summary>
    public IReadOnlyList<string> PerChannelOps { get; init; } = [];

    /// <summary>True if the weights of an operator have one scale per output channel.</summary>
    public bool IsPerChannel(string op) => PerChannel && PerChannelOps.Contains(op);
}

/// <summary>The opset versions that the chip's compiler reads, both included.</summary>
public sealed record OpsetRange(long Min, long Max);

/// <summary>The values that an operator gives by its nature, so that no sample need be seen.</summary>
public readonly record struct FixedRange(float Min, float Max);

/// <summary>The shapes that the chip runs.</summary>
/// <param name="Static">True if every dimension must be a number when the model is compiled.</param>
/// <param name="MaxRank">The most dimensions of a tensor; null for no limit.</param>
/// <param name="MaxDim">The largest dimension other than the batch; null for no limit.</param>
/// <param name="MaxBatch">The largest first dimension; null for no limit.</param>
public sealed record ShapeLimits(bool Static, long? MaxRank, long? MaxDim, long? MaxBatch)
{
    /// <summary>The dimensions that what a layer reads must have, no more and no fewer; null for any.</summary>
    public long? LayerRank { get; init; }
}

/// <summary>What a chip can run and how its compiler wants a model: one JSON file per chip and SDK.</summary>
public sealed record ChipProfile
{
    /// <summary>Kebab-case, unique, and the name of its file.</summary>
    public required string Name { get; init; }

    /// <summary>Who makes the chip or the runtime.</summary>
    public required string Vendor { get; init; }

    /// <summary>The software and the versions of it that the profile holds for.</summary>
    public required string Sdk { get; init; }

    /// <summary>One sentence for <c>loraops chips</c>.</summary>
    public required string Description { get; init; }

    /// <summary>How activations are quantized.</summary>
    public required ActivationScheme Activations { get; init; }

    /// <summary>How weights are quantized.</summary>
    public required WeightScheme Weights { get; init; }

    /// <summary>What becomes of biases.</summary>
    public required BiasPolicy Bias { get; init; }

    /// <summary>The ops whose constant weight is quantized, together with the activation that it multiplies.</summary>
    public required IReadOnlyList<string> WeightedOps { get; init; }

    /// <summary>Those of them whose output is quantized as well.</summary>
    public required IReadOnlyList<string> OutputOps { get; init; }

    /// <summary>Activations that the quantization of a weighted op's output makes needless.</summary>
    public required IReadOnlyList<string> RemovableActivations { get; init; }

    /// <summary>Ops that only move values, so that what comes out has the scale of what goes in.</summary>
    public required IReadOnlyList<string> SameScaleOps { get; init; }

    /// <summary>Layers with fewer input or output channels stay float (<see cref="SmallLayers"/>); 1 for no limit.</summary>
    public required long MinChannels { get; init; }

    /// <summary>True if matrix × vector products stay float.</summary>
    public required bool SkipVectorProducts { get; init; }

    /// <summary>True if the compiler turns what stays float to FP16, so that no constant may exceed its range.</summary>
    public required bool HalfPrecisionRest { get; init; }

    /// <summary>The opsets that the compiler reads.</summary>
    public required OpsetRange Opset { get; init; }

    /// <summary>The newest IR version that the compiler reads.</summary>
    public required long MaxIrVersion { get; init; }

    /// <summary>Which names the quantized model keeps.</summary>
    public required NamePolicy Names { get; init; }

    /// <summary>The parity limits of a model for this chip where the recipe gives none, for example <c>cosine>=0.99</c>.</summary>
    public required IReadOnlyList<string> Gates { get; init; }

    /// <summary>Command lines that compile the model; <c>{model}</c> is the file, <c>{name}</c> its name without ending,
    /// and each name of <see cref="Target"/> its value.</summary>
    public required IReadOnlyList<string> Compile { get; init; }

    /// <summary>The rules (<see cref="ChipRules"/>) that a finished model must keep, and how serious a breach is.</summary>
    public required IReadOnlyDictionary<string, Severity> Rules { get; init; }

    /// <summary>What a layer may be computed in, cheapest first: what a layer that loses too much can be lifted to.</summary>
    public IReadOnlyList<LayerPrecision> Precisions { get; init; } = [LayerPrecision.Int8, LayerPrecision.Float];

    /// <summary>The ways of quantizing that the chip runs, some of <see cref="ChipSchemes.Names"/>.</summary>
    public IReadOnlyList<string> Schemes { get; init; } = [ChipSchemes.Static];

    /// <summary>
    /// What a model must reach on its calibration samples, for example <c>sqnr>=30</c>: the fewest layers that this takes are lifted to a
    /// higher precision. Empty to take the model as it comes.
    /// </summary>
    public IReadOnlyList<string> Until { get; init; } = [];

    /// <summary>
    /// Further operators whose float inputs and outputs are quantized, for chips that compute all in integers. A weighted op that is here as
    /// well is quantized where it multiplies two activations.
    /// </summary>
    public IReadOnlyList<string> QuantizedOps { get; init; } = [];

    /// <summary>Operators that are kept in float, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> FloatOps { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The operators that the chip's unit runs; empty if that is not known or not limited.</summary>
    public IReadOnlyList<string> SupportedOps { get; init; } = [];

    /// <summary>Operators that run somewhere else than on the chip's unit, each with what that means.</summary>
    public IReadOnlyDictionary<string, string> HostOps { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What comes out of these operators whatever goes in, for example 0 to 1 out of a Softmax.</summary>
    public IReadOnlyDictionary<string, FixedRange> FixedRanges { get; init; } = new SortedDictionary<string, FixedRange>(StringComparer.Ordinal);

    /// <summary>The shapes that the chip runs; null for any.</summary>
    public ShapeLimits? Shapes { get; init; }

    /// <summary>The number that channels should be a multiple of, so that the integer units are full; 1 for none.</summary>
    public long Alignment { get; init; } = 1;

    /// <summary>The files that the chip's compiler takes beside the model: names of <see cref="LoraOps.Onnx.HandOff.HandOffs"/>.</summary>
    public IReadOnlyList<string> HandOff { get; init; } = [];

    /// <summary>What a compile command is told about the device, such as <c>march</c>, <c>soc</c> or <c>coreNum</c>.</summary>
    public IReadOnlyDictionary<string, string> Target { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>SHA-256 of the file that it was read from, lower-case hexadecimal.</summary>
    public string Digest { get; init; } = "";

    /// <summary>Reads a profile from a file; embedded profiles are read by the same code.</summary>
    /// <exception cref="Problems.LoraOpsException">The file is missing, or a field of it is unknown, missing or wrong.</exception>
    public static ChipProfile Load(string path) => ChipProfileReader.Load(path);
}
