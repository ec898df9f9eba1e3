using System.Globalization;
using System.Text;

namespace LoraOps.Onnx.HandOff;

/// <summary>A field of a protobuf text: a word or quoted text, or fields of its own.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">Its value; empty for a message.</param>
/// <param name="Fields">What is in the message.</param>
internal sealed record ProtoField(string Name, string Text, IReadOnlyList<ProtoField> Fields)
{
    /// <summary>The one field of that name.</summary>
    public ProtoField One(string name) => All(name).ToList() is [var only]
        ? only
        : throw new FormatException($"a '{Name}' has not exactly one '{name}'");

    /// <summary>Every field of that name.</summary>
    public IEnumerable<ProtoField> All(string name) => Fields.Where(field => field.Name == name);

    /// <summary>The value as a finite number.</summary>
    public float Single() => float.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && float.IsFinite(value)
        ? value
        : throw new FormatException($"'{Name}' is '{Text}', which is no finite number");

    /// <summary>The value as a whole number.</summary>
    public int Integer() => int.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
        ? value
        : throw new FormatException($"'{Name}' is '{Text}', which is no whole number");
}

/// <summary>The part of protobuf's text format that quantization records use: messages in braces, numbers, words, quoted texts, comments.</summary>
internal sealed class ProtoText
{
    private const int MaxDepth = 16;

    private readonly string _text;
    private int _at;

    private ProtoText(string text) => _text = text;

    /// <summary>Reads all fields of a text.</summary>
    /// <exception cref="FormatException">It is not of this form.</exception>
    public static IReadOnlyList<ProtoField> Parse(string text)
    {
        var reader = new ProtoText(text);
        var fields = reader.Fields(0);
        return reader._at == text.Length ? fields : throw reader.Wrong("a field's name");
    }

    /// <summary>A text in quotes.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                quoted.Append('\\').Append(c);
            else if (c < ' ' || c == '\x7f')
                quoted.Append('\\').Append(Convert.ToString(c, 8).PadLeft(3, '0'));
            else
                quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }

    private List<ProtoField> Fields(int depth)
    {
        if (depth > MaxDepth)
            throw new FormatException($"its messages lie more than {MaxDepth} deep");

        var fields = new List<ProtoField>();
        while (Skip() && _text[_at] != '}')
        {
            var name = Word("a field's name");
            var hasColon = Take(':');
            if (Take('{'))
            {
                fields.Add(new ProtoField(name, "", Fields(depth + 1)));
                if (!Take('}'))
                    throw Wrong("'}'");
            }
            else if (hasColon)
            {
                fields.Add(new ProtoField(name, Skip() && _text[_at] == '"' ? Quoted() : Word("a value"), []));
            }
            else
            {
                throw Wrong("':' or '{'");
            }

            _ = Take(',') || Take(';');
        }

        return fields;
    }

    private string Word(string what)
    {
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '_' or '-' or '+' or '.'))
            _at++;

        return _at > start ? _text[start.._at] : throw Wrong(what);
    }

    private string Quoted()
    {
        var value = new StringBuilder();
        for (_at++; _at < _text.Length && _text[_at] != '"'; _at++)
            value.Append(_text[_at] == '\\' ? Escaped() : _text[_at]);

        return Take('"') ? value.ToString() : throw Wrong("a closing quote");
    }

    private char Escaped()
    {
        _at++;
        if (_at + 2 < _text.Length && _text.AsSpan(_at, 3).IndexOfAnyExceptInRange('0', '7') < 0)
        {
            var code = ((_text[_at] - '0') * 64) + ((_text[_at + 1] - '0') * 8) + _text[_at + 2] - '0';
            _at += 2;
            return code < 128 ? (char)code : throw Wrong("ASCII");
        }

        return (_at < _text.Length ? _text[_at] : '\0') switch
        {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '"' or '\\' or '\'' => _text[_at],
            _ => throw Wrong("an escape"),
        };
    }

    private bool Take(char wanted)
    {
        if (!Skip() || _text[_at] != wanted)
            return false;

        _at++;
        return true;
    }

    // Blanks and comments; false at the end.
    private bool Skip()
    {
        while (_at < _text.Length && (char.IsWhiteSpace(_text[_at]) || _text[_at] == '#'))
        {
            var end = _text[_at] == '#' ? _text.IndexOf('\n', _at) : _at;
            _at = end < 0 ? _text.Length : end + 1;
        }

        return _at < _text.Length;
    }

    private FormatException Wrong(string wanted) => new($"character {_at} should be {wanted}");
}
