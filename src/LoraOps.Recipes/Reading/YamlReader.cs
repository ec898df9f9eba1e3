using LoraOps.Problems;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LoraOps.Recipes.Reading;

/// <summary>
/// Reads the plain part of YAML: mappings, lists and texts. Anchors, aliases and tags are refused: a recipe needs none, and
/// with them a small file can name a thing a billion times or ask for any type.
/// </summary>
internal sealed class YamlReader
{
    private const long MaxBytes = 1 << 20;
    private const int MaxDepth = 16;
    private const int MaxValues = 20_000;

    private readonly string _path;
    private readonly Parser _parser;
    private int _values;

    private YamlReader(string path, TextReader text)
    {
        _path = path;
        _parser = new Parser(text);
    }

    /// <summary>Reads a file of one document.</summary>
    /// <exception cref="LoraOpsException">It is missing, too large, no YAML, or not plain.</exception>
    public static YamlValue Read(string path)
    {
        if (!File.Exists(path))
            throw new LoraOpsException(Directory.Exists(path) ? FileProblems.KindUnknown(path, "a recipe file") : FileProblems.FileMissing(path));

        if (new FileInfo(path).Length > MaxBytes)
            throw new LoraOpsException(RecipeProblems.NotYaml(path, "it is larger than 1 MiB"));

        using var text = new StreamReader(path);
        return new YamlReader(path, text).Document();
    }

    private YamlValue Document()
    {
        try
        {
            _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _))
                throw Refused(1, "it is empty");

            _parser.Consume<DocumentStart>();
            var root = Value(0);
            _parser.Consume<DocumentEnd>();
            return _parser.Accept<DocumentStart>(out var next) ? throw Refused(LineOf(next), "it holds a second document") : root;
        }
        catch (YamlException damage)
        {
            throw Refused((int)damage.Start.Line, damage.InnerException?.Message ?? damage.Message);
        }
        catch (InvalidOperationException)
        {
            // The parser's own way to say that it cannot go on after an error inside brackets.
            throw Refused(_parser.Current is { } last ? LineOf(last) : 1, "a bracket or quote is not closed");
        }
    }

    private YamlValue Value(int depth)
    {
        if (_parser.Accept<AnchorAlias>(out var alias))
            throw Refused(LineOf(alias), "aliases are not allowed");

        var node = _parser.Accept<NodeEvent>(out var found) ? found : throw new YamlException("a value is expected here");
        if (!node.Anchor.IsEmpty)
            throw Refused(LineOf(node), "anchors are not allowed");

        if (!node.Tag.IsEmpty)
            throw Refused(LineOf(node), "tags are not allowed");

        if (depth > MaxDepth || ++_values > MaxValues)
            throw Refused(LineOf(node), $"it is nested deeper than {MaxDepth} or has more than {MaxValues} values");

        return node switch
        {
            Scalar => Text(_parser.Consume<Scalar>()),
            SequenceStart => List(depth),
            _ => Map(depth),
        };
    }

    private static YamlText Text(Scalar scalar) => new(LineOf(scalar), scalar.Value, scalar.Style != ScalarStyle.Plain);

    private YamlList List(int depth)
    {
        var line = LineOf(_parser.Consume<SequenceStart>());
        var items = new List<YamlValue>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
            items.Add(Value(depth + 1));

        return new YamlList(line, items);
    }

    private YamlMap Map(int depth)
    {
        var line = LineOf(_parser.Consume<MappingStart>());
        var entries = new List<YamlEntry>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = Value(depth + 1);
            var name = key as YamlText ?? throw Refused(key.Line, "a key is no text");
            entries.Add(new YamlEntry(name.Text, name.Line, Value(depth + 1)));
        }

        return new YamlMap(line, entries);
    }

    private LoraOpsException Refused(int line, string reason) => new(RecipeProblems.NotYaml($"{_path}:{line}", reason));

    private static int LineOf(ParsingEvent at) => (int)at.Start.Line;
}
