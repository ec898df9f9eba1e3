using System.Text.Json;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>The JSON that bitsandbytes stores with a 4-bit weight.</summary>
/// <param name="Kind"><c>nf4</c> or <c>fp4</c>.</param>
/// <param name="Type">The type of the weight before it was quantised.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="BlockSize">Elements that share a scale.</param>
internal sealed record FourBitState(string Kind, ElementType Type, TensorShape Shape, int BlockSize)
{
    private const int MaxBytes = 1 << 16;

    /// <summary>True if the scales are quantised themselves.</summary>
    public bool IsNested => NestedBlockSize > 0;

    /// <summary>For people.</summary>
    public string Format => $"bitsandbytes {Kind}" + (IsNested ? " with double quantisation" : "");

    /// <summary>Scales that share a second-level scale; 0 without double quantisation.</summary>
    public int NestedBlockSize { get; private init; }

    /// <summary>What is added to every decoded scale.</summary>
    public float NestedOffset { get; private init; }

    /// <summary>Reads the JSON from its tensor of bytes.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="kind">What its name says.</param>
    /// <exception cref="FormatException">It says something else, or nothing that has a meaning.</exception>
    public static FourBitState Read(Tensor tensor, string kind)
    {
        if (tensor.Type is not ElementType.U8 || tensor.ByteLength > MaxBytes)
            throw new FormatException($"it is {tensor.Type.Name()} {tensor.Shape}, and must be U8 of at most {MaxBytes} bytes");

        try
        {
            using var json = JsonDocument.Parse(
                tensor.ToBytes(), new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            return Read(json.RootElement, kind);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new FormatException($"it is not the JSON of a quant_state: {error.Message.TrimEnd('.')}", error);
        }
    }

    private static FourBitState Read(JsonElement fields, string kind)
    {
        if (Field(fields, "quant_type").GetString() != kind)
            throw new FormatException($"its quant_type is not {kind}");

        var type = Field(fields, "dtype").GetString();
        var state = new FourBitState(
            kind,
            QuantisationConfig.TypeOf(type) ?? throw new FormatException($"its dtype is '{type}'; bfloat16, float16 and float32 are read"),
            ShapeOf(Field(fields, "shape")),
            BlockSizeOf(fields, "blocksize", 32, 4096));
        if (!fields.TryGetProperty("nested_blocksize", out _))
            return state;

        var offset = Field(fields, "nested_offset");
        if (!offset.TryGetSingle(out var value) || !float.IsFinite(value))
            throw new FormatException($"its nested_offset is {offset.GetRawText()}");

        return state with { NestedBlockSize = BlockSizeOf(fields, "nested_blocksize", 1, 1 << 20), NestedOffset = value };
    }

    private static JsonElement Field(JsonElement fields, string name) =>
        fields.TryGetProperty(name, out var value) ? value : throw new FormatException($"it has no {name}");

    private static int BlockSizeOf(JsonElement fields, string name, int least, int most) =>
        Field(fields, name).TryGetInt32(out var size) && size >= least && size <= most && int.IsPow2(size)
            ? size
            : throw new FormatException($"its {name} is {Field(fields, name).GetRawText()}; powers of two from {least} to {most} are allowed");

    private static TensorShape ShapeOf(JsonElement list)
    {
        var dims = new List<long>();
        foreach (var item in list.EnumerateArray())
            dims.Add(item.TryGetInt64(out var dim) ? dim : -1);

        return dims.Count is > 0 and <= 8 && TensorShape.TryCount([.. dims], out _)
            ? new TensorShape([.. dims])
            : throw new FormatException($"its shape is {list.GetRawText()}");
    }
}
