using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Changes to a safetensors file: its length, its header as text, or its tensors so that the file stays well formed.</summary>
public static class SafetensorsMutations
{
    private const int LengthBytes = 8;
    private static readonly string[] Types =
        ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "U32", "F4", "F8_E8M0"];

    /// <summary>A changed copy.</summary>
    public static byte[] Mutate(byte[] bytes, byte[] other, Random random)
    {
        if (!Split(bytes, out var header, out var data))
            return ByteMutations.Mutate(bytes, other, random);

        switch (random.Next(6))
        {
            case 0:
                var copy = bytes.ToArray();
                BinaryPrimitives.WriteUInt64LittleEndian(copy, ByteMutations.Interesting((ulong)header.Length, random));
                return copy;
            case 1 or 2:
                return Join(TextMutations.Mutate(header, random), data);
            case 3:
                return Join(header, ByteMutations.Mutate(data, other, random));
            default:
                return Rebuilt(header, data, random) ?? ByteMutations.Mutate(bytes, other, random);
        }
    }

    /// <summary>The same file with one tensor changed; null if it is not well formed.</summary>
    public static byte[]? Rebuilt(byte[] bytes, Random random) => Split(bytes, out var header, out var data) ? Rebuilt(header, data, random) : null;

    private static bool Split(byte[] bytes, out byte[] header, out byte[] data)
    {
        (header, data) = ([], []);
        if (bytes.Length < LengthBytes || BinaryPrimitives.ReadUInt64LittleEndian(bytes) is var length && length > (ulong)(bytes.Length - LengthBytes))
            return false;

        header = bytes[LengthBytes..(LengthBytes + (int)length)];
        data = bytes[(LengthBytes + (int)length)..];
        return true;
    }

    private static byte[] Join(byte[] header, ReadOnlySpan<byte> data)
    {
        var length = new byte[LengthBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        return [.. length, .. header, .. data];
    }

    // Takes the tensors apart, changes one of them and writes offsets that fit.
    private static byte[]? Rebuilt(byte[] header, byte[] data, Random random)
    {
        try
        {
            if (JsonNode.Parse(header) is not JsonObject tree)
                return null;

            var metadata = tree["__metadata__"]?.DeepClone();
            tree.Remove("__metadata__");
            var tensors = tree.Select(pair => Part.Of(pair.Key, (JsonObject)pair.Value!, data)).OrderBy(part => part.Begin).ToList();
            if (tensors.Count == 0)
                return null;

            Change(tensors, random);
            return Written(tensors, metadata);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or InvalidCastException or
            NullReferenceException or FormatException or OverflowException)
        {
            return null;
        }
    }

    private static void Change(List<Part> tensors, Random random)
    {
        var at = random.Next(tensors.Count);
        var (one, two) = (tensors[at], tensors[random.Next(tensors.Count)]);
        switch (random.Next(9))
        {
            case 0:
                tensors.RemoveAt(at);
                break;
            case 1:
                tensors[at] = one with { Name = Renamed(one.Name, two.Name, random) };
                break;
            case 2:
                tensors.Add(one with { Name = Renamed(one.Name, two.Name, random) });
                break;
            case 3:
                tensors[at] = one with { Shape = Reshaped(one.Shape, random) };
                break;
            case 4:
                tensors[at] = Resized(one, random);
                break;
            case 5:
                tensors[at] = one with { Type = Types[random.Next(Types.Length)] };
                break;
            case 6:
                tensors[at] = one with { Bytes = two.Bytes, Shape = two.Shape, Type = two.Type };
                break;
            default:
                tensors[at] = one with { Bytes = Extreme(one.Bytes, random) };
                break;
        }
    }

    private static string Renamed(string name, string other, Random random)
    {
        var (own, theirs) = (name.Split('.'), other.Split('.'));
        switch (random.Next(5))
        {
            case 0:
                own[random.Next(own.Length)] = theirs[random.Next(theirs.Length)];
                break;
            case 1:
                own[^1] = new[] { "weight", "bias", "default", "alpha", "lora_mid", "lora_up" }[random.Next(6)];
                break;
            case 2:
                own[random.Next(own.Length)] = new[]
                    { "lora_A", "lora_B", "base_layer", "modules_to_save", "original_module", "", "0", "lm_head" }[random.Next(8)];
                break;
            case 3:
                return string.Join('.', own.Skip(random.Next(own.Length)));
            default:
                return name.Replace('.', '_') + ".lora_down.weight";
        }

        return string.Join('.', own);
    }

    // The same number of elements under other dimensions.
    private static long[] Reshaped(long[] shape, Random random)
    {
        var reversed = shape.Reverse().ToArray();
        return random.Next(5) switch
        {
            0 => reversed,
            1 => [1, .. shape],
            2 => [.. shape, 1],
            3 => [shape.Aggregate(1L, (product, dim) => unchecked(product * dim))],
            _ => shape.Length == 0 ? [1] : [.. shape[1..], shape[0]],
        };
    }

    // One dimension longer or shorter, with the bytes that belong to it.
    private static Part Resized(Part part, Random random)
    {
        var count = part.Shape.Aggregate(1.0, (product, dim) => product * dim);
        if (part.Shape.Length == 0 || part.Bytes.Length == 0 || count is < 1 or > int.MaxValue)
            return part with { Shape = [0], Bytes = [] };

        var axis = random.Next(part.Shape.Length);
        var shape = part.Shape.ToArray();
        shape[axis] = random.Next(4) switch { 0 => 0, 1 => shape[axis] + 1, 2 => shape[axis] * 2, _ => Math.Max(0, shape[axis] - 1) };
        var length = shape.Aggregate(1.0, (product, dim) => product * dim) * part.Bytes.Length / count;
        var bytes = new byte[(int)Math.Min(length, 1 << 21)];
        for (var at = 0; at < bytes.Length; at++)
            bytes[at] = part.Bytes[at % part.Bytes.Length];

        return part with { Shape = shape, Bytes = bytes };
    }

    private static byte[] Extreme(byte[] bytes, Random random)
    {
        var copy = bytes.ToArray();
        if (copy.Length == 0)
            return copy;

        byte[] pattern = random.Next(6) switch
        {
            0 => [0, 0, 0xC0, 0x7F],
            1 => [0, 0, 0x80, 0x7F],
            2 => [0xFF, 0xFF, 0x7F, 0x7F],
            3 => [1, 0, 0, 0],
            4 => [0xFF, 0x7B, 0xFF, 0xFB],
            _ => [0, 0, 0, 0],
        };
        var all = random.Next(3) == 0;
        var first = all ? 0 : random.Next(copy.Length) & ~3;
        for (var at = first; at < (all ? copy.Length : Math.Min(copy.Length, first + 4)); at++)
            copy[at] = pattern[at & 3];

        return copy;
    }

    private static byte[] Written(List<Part> tensors, JsonNode? metadata)
    {
        using var data = new MemoryStream();
        var text = new StringBuilder("{");
        if (metadata is not null)
            text.Append("\"__metadata__\":").Append(metadata.ToJsonString()).Append(',');

        foreach (var part in tensors)
        {
            var begin = data.Length;
            data.Write(part.Bytes);
            var shape = string.Join(',', part.Shape);
            text.Append(JsonSerializer.Serialize(part.Name)).Append(FormattableString.Invariant(
                $":{{\"dtype\":\"{part.Type}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{data.Length}]}},"));
        }

        text.Length -= text.Length > 1 ? 1 : 0;
        return Join(Encoding.UTF8.GetBytes(text.Append('}').ToString()), data.ToArray());
    }

    private sealed record Part(string Name, string Type, long[] Shape, long Begin, byte[] Bytes)
    {
        public static Part Of(string name, JsonObject entry, byte[] data)
        {
            var (begin, end) = (entry["data_offsets"]![0]!.GetValue<int>(), entry["data_offsets"]![1]!.GetValue<int>());
            return new Part(
                name, entry["dtype"]!.GetValue<string>(), [.. entry["shape"]!.AsArray().Select(dim => dim!.GetValue<long>())], begin, data[begin..end]);
        }
    }
}
