using System.Globalization;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>
/// Parses the header of a .npy file: the literal of a Python dictionary with the keys descr, fortran_order and shape, as
/// numpy.save writes it (numpy/lib/format.py). Nothing else of Python is understood.
/// </summary>
internal sealed class NpyHeader(string path, string text)
{
    private const int MaxRank = 32;
    private int _at;

    /// <summary>The type of the elements.</summary>
    public ElementType Type { get; private set; }

    /// <summary>The dimensions.</summary>
    public TensorShape Shape { get; private set; } = new();

    /// <summary>Parses a header.</summary>
    /// <exception cref="LoraOpsException">It is not what numpy.save writes, or the array is of a kind that is not read.</exception>
    public static NpyHeader Parse(string path, string text)
    {
        var header = new NpyHeader(path, text);
        header.ReadDictionary();
        return header;
    }

    private void ReadDictionary()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Expect('{');
        while (!TryTake('}'))
        {
            var key = ReadText();
            if (!seen.Add(key))
                throw Invalid($"has the key '{key}' twice");

            Expect(':');
            ReadValue(key);
            if (!TryTake(','))
            {
                Expect('}');
                break;
            }
        }

        SkipBlanks();
        if (_at != text.Length)
            throw Invalid("goes on after its dictionary");

        if (seen.Count != 3)
            throw Invalid("lacks one of descr, fortran_order and shape");
    }

    private void ReadValue(string key)
    {
        switch (key)
        {
            case "descr":
                Type = ReadType();
                break;
            case "fortran_order":
                if (ReadTruth())
                    throw new LoraOpsException(SampleProblems.NpyFortran(path));
                break;
            case "shape":
                Shape = ReadShape();
                break;
            default:
                throw Invalid($"has the key '{key}'; allowed are descr, fortran_order and shape");
        }
    }

    private ElementType ReadType()
    {
        SkipBlanks();
        if (Peek() == '[')
            throw new LoraOpsException(SampleProblems.NpyTypeRefused(path, "[…]", "a record of several fields"));

        var descr = ReadText();
        return descr switch
        {
            "<f2" => ElementType.F16,
            "<f4" => ElementType.F32,
            "<f8" => ElementType.F64,
            "|b1" => ElementType.Bool,
            "|i1" => ElementType.I8,
            "|u1" => ElementType.U8,
            "<i2" => ElementType.I16,
            "<u2" => ElementType.U16,
            "<i4" => ElementType.I32,
            "<u4" => ElementType.U32,
            "<i8" => ElementType.I64,
            "<u8" => ElementType.U64,
            _ => throw new LoraOpsException(SampleProblems.NpyTypeRefused(path, descr, WhyRefused(descr))),
        };
    }

    private static string WhyRefused(string descr) => descr switch
    {
        "|O" => "pickled Python objects, which are never executed",
        ['>', ..] => "big-endian numbers",
        ['<', 'c', ..] => "complex numbers",
        ['<' or '|', 'U' or 'S', ..] => "text",
        ['<', 'M' or 'm', ..] => "dates or durations",
        ['|', 'V', ..] => "raw bytes",
        _ => "which is not known",
    };

    private TensorShape ReadShape()
    {
        var dims = new List<long>();
        Expect('(');
        while (!TryTake(')'))
        {
            dims.Add(ReadNumber());
            if (dims.Count > MaxRank)
                throw new LoraOpsException(SampleProblems.NpyShapeInvalid(path, $"of more than {MaxRank} dimensions"));

            if (!TryTake(','))
            {
                // (3) is a number in Python, (3,) a tuple.
                if (dims.Count == 1)
                    throw Invalid("has a shape that is no tuple");

                Expect(')');
                break;
            }
        }

        return TensorShape.TryCount(dims.ToArray(), out _)
            ? new TensorShape([.. dims])
            : throw new LoraOpsException(SampleProblems.NpyShapeInvalid(path, "whose size does not fit 63 bits"));
    }

    private long ReadNumber()
    {
        SkipBlanks();
        var start = _at;
        while (char.IsAsciiDigit(Peek()))
            _at++;

        if (start == _at)
            throw Unexpected("a whole number from 0");

        return long.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new LoraOpsException(SampleProblems.NpyShapeInvalid(path, "with a dimension that does not fit 63 bits"));
    }

    private bool ReadTruth()
    {
        SkipBlanks();
        foreach (var word in (ReadOnlySpan<string>)["False", "True"])
        {
            if (text.AsSpan(_at).StartsWith(word, StringComparison.Ordinal))
            {
                _at += word.Length;
                return word == "True";
            }
        }

        throw Unexpected("True or False");
    }

    private string ReadText()
    {
        SkipBlanks();
        var quote = Peek();
        var end = quote is '\'' or '"' ? text.IndexOf(quote, _at + 1) : -1;
        if (end < 0)
            throw Unexpected("a quoted string");

        var value = text[(_at + 1)..end];
        _at = end + 1;
        return value;
    }

    private bool TryTake(char wanted)
    {
        SkipBlanks();
        if (Peek() != wanted)
            return false;

        _at++;
        return true;
    }

    private void Expect(char wanted)
    {
        if (!TryTake(wanted))
            throw Unexpected($"'{wanted}'");
    }

    private void SkipBlanks()
    {
        while (Peek() is ' ' or '\n')
            _at++;
    }

    private char Peek() => _at < text.Length ? text[_at] : '\0';

    private LoraOpsException Unexpected(string wanted) => Invalid($"has something other than {wanted} at character {_at}");

    private LoraOpsException Invalid(string reason) => new(SampleProblems.NpyHeaderInvalid(path, reason));
}
