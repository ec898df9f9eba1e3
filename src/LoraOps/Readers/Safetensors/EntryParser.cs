using System.Text;
using System.Text.Json;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Safetensors;

/// <summary>Parses the value of one tensor's name in a header: <c>{"dtype": …, "shape": […], "data_offsets": […]}</c>.</summary>
internal sealed class EntryParser(string path, string name, ProblemList problems)
{
    private const int MaxRank = 16;
    private const int MaxOffsets = 2;
    private ElementType? _type;
    private long[]? _shape;
    private long[]? _offsets;
    private bool _sawType;
    private bool _sawShape;
    private bool _sawOffsets;
    private bool _failed;

    /// <summary>Reads the value that the reader stands on, to its end.</summary>
    /// <returns>The entry, or null if a problem was added.</returns>
    public HeaderEntry? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Fail(SafetensorsProblems.FieldWrongKind(path, name, "its entry", JsonCursor.Kind(ref reader), "an object"));
            Skip(ref reader);
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            ReadField(ref reader);

        Require(_sawType, "dtype");
        Require(_sawShape, "shape");
        Require(_sawOffsets, "data_offsets");
        if (_failed || _type is not { } type || _shape is null || _offsets is null)
            return null;

        return Checked(type);
    }

    private void ReadField(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("dtype"))
        {
            Once(ref _sawType, "dtype");
            reader.Read();
            _type = ReadType(ref reader);
        }
        else if (reader.ValueTextEquals("shape"))
        {
            Once(ref _sawShape, "shape");
            reader.Read();
            _shape = ReadNumbers(ref reader, "shape", MaxRank, () => SafetensorsProblems.RankTooHigh(path, name, MaxRank));
        }
        else if (reader.ValueTextEquals("data_offsets"))
        {
            Once(ref _sawOffsets, "data_offsets");
            reader.Read();
            _offsets = ReadNumbers(
                ref reader, "data_offsets", MaxOffsets, () => SafetensorsProblems.OffsetCount(path, name, "more than two"));
            if (_offsets is { Length: < MaxOffsets })
                Fail(SafetensorsProblems.OffsetCount(path, name, _offsets.Length == 0 ? "none" : "one"));
        }
        else
        {
            // The reference reader ignores fields that it does not know.
            reader.Read();
            Skip(ref reader);
        }
    }

    private ElementType? ReadType(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            Fail(SafetensorsProblems.FieldWrongKind(path, name, "dtype", JsonCursor.Kind(ref reader), "a string"));
            Skip(ref reader);
            return null;
        }

        var text = reader.GetString()!;
        if (ElementTypes.TryParse(text, out var type))
            return type;

        var known = string.Join(", ", Enum.GetValues<ElementType>().Select(known => known.Name()));
        Fail(SafetensorsProblems.TypeUnknown(path, name, text.Length > 40 ? text[..40] : text, known));
        return null;
    }

    private long[]? ReadNumbers(ref Utf8JsonReader reader, string field, int limit, Func<Problem> tooMany)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Fail(SafetensorsProblems.FieldWrongKind(path, name, field, JsonCursor.Kind(ref reader), "an array"));
            Skip(ref reader);
            return null;
        }

        var numbers = new List<long>();
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (++count <= limit && ReadNumber(ref reader, field) is { } number)
                numbers.Add(number);

            Skip(ref reader);
        }

        if (count > limit)
            Fail(tooMany());

        return numbers.Count == count ? [.. numbers] : null;
    }

    private long? ReadNumber(ref Utf8JsonReader reader, string field)
    {
        if (reader.TokenType != JsonTokenType.Number)
        {
            Fail(SafetensorsProblems.NumberInvalid(path, name, field, JsonCursor.Kind(ref reader)));
            return null;
        }

        // Digits only: a sign, a point or an exponent would let another reader see another number.
        var raw = reader.ValueSpan;
        var text = Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, 40)]);
        if (raw.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            Fail(SafetensorsProblems.NumberInvalid(path, name, field, text));
        else if (!reader.TryGetInt64(out var number))
            Fail(SafetensorsProblems.NumberTooLarge(path, name, field, text));
        else
            return number;

        return null;
    }

    private HeaderEntry? Checked(ElementType type)
    {
        if (TensorShape.TryCount(_shape, out _))
            return new HeaderEntry(name, type, new TensorShape(_shape), _offsets![0], _offsets[1]);

        Fail(SafetensorsProblems.SizeOverflow(path, name, $"[{string.Join(", ", _shape!)}]", type.Name()));
        return null;
    }

    private void Once(ref bool saw, string field)
    {
        if (saw)
            Fail(SafetensorsProblems.FieldTwice(path, name, field));

        saw = true;
    }

    private void Require(bool saw, string field)
    {
        if (!saw)
            Fail(SafetensorsProblems.FieldMissing(path, name, field));
    }

    private void Fail(Problem problem)
    {
        _failed = true;
        problems.Add(problem);
    }

    private void Skip(ref Utf8JsonReader reader)
    {
        if (!JsonCursor.Skip(ref reader))
            throw new LoraOpsException(SafetensorsProblems.HeaderTooDeep(path, JsonCursor.MaxDepth));
    }
}
