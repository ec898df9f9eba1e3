using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Recipes.Reading;

/// <summary>Turns YAML into a <see cref="Recipe"/>, or into all of its mistakes.</summary>
internal sealed class RecipeReader
{
    private const string SupportedVersion = "1";
    private const string DefaultOutput = "out";

    private readonly RecipeSource _source;
    private readonly RecipeFields _root;

    private RecipeReader(string path)
    {
        _source = new RecipeSource(path);
        _root = new RecipeFields(_source, "", YamlReader.Read(path));
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="LoraOpsException">All mistakes at once, in the order of their lines.</exception>
    public static Recipe Read(string path)
    {
        var reader = new RecipeReader(path);
        var recipe = reader.Recipe(path);
        return recipe ?? throw new LoraOpsException([.. reader._source.Problems.OrderBy(problem => LineOf(problem.Where, path))]);
    }

    private Recipe? Recipe(string path)
    {
        CheckVersion();
        var name = Name();
        var origin = _root.Map("base", demanded: true);
        var model = _source.Existing(origin.Text("model", _root.Entries.Any(entry => entry.Key == "base")), "base.model");
        var weights = _source.Existing(origin.Text("weights"), "base.weights");
        origin.RefuseOthers();
        var gates = _root.Map("gates");
        var convert = Gates(gates, "gates", "convert");
        var quantize = Gates(gates, "gates", "quantize");
        gates.RefuseOthers();
        var quantizing = _root.Map("quantize");
        var calibrating = new CalibrationReader(_source, quantizing).Read();
        var recovery = new RecoveryFields(_source, quantizing).Read();
        var until = Gates(quantizing, "quantize", "until");
        quantizing.RefuseOthers();
        var adapters = new AdapterReader(_source, _root, demandsExpected: convert.Count > 0).Read();
        var chips = Chips();
        var output = _root.Text("output");
        _root.RefuseOthers();
        if (_source.Problems.Count > 0 || name is null || model is not { } found)
            return null;

        return new Recipe
        {
            Path = path,
            Name = name,
            Model = found,
            Weights = weights,
            Adapters = adapters,
            Chips = chips,
            ConvertGates = convert,
            QuantizeGates = quantize,
            Calibrating = calibrating,
            Recovery = recovery,
            Until = until,
            Output = new Written<string>(_source.Resolve(output?.Text ?? DefaultOutput), output?.Line ?? 1),
        };
    }

    private void CheckVersion()
    {
        if (_root.Text("recipe", demanded: true) is { } version && version.Text != SupportedVersion)
            _source.Add(RecipeProblems.ValueWrong(_source.At(version.Line), "recipe", $"is '{version.Text}', this version reads {SupportedVersion}"));
    }

    private string? Name()
    {
        var name = _root.Text("name", demanded: true);
        if (name is not null && !AdapterReader.IsName(name.Text))
            _source.Add(RecipeProblems.ValueWrong(_source.At(name.Line), "name", $"is '{name.Text}'; {AdapterReader.NameRule}"));

        return name?.Text;
    }

    private List<Gate> Gates(RecipeFields fields, string parent, string key)
    {
        var gates = new List<Gate>();
        foreach (var text in fields.Texts(key))
        {
            try
            {
                gates.Add(Gate.Parse(text.Text));
            }
            catch (LoraOpsException wrong)
            {
                _source.Add(RecipeProblems.GateInvalid(_source.At(text.Line), $"{parent}.{key}", wrong.Problems[0].What));
            }
        }

        return gates;
    }

    private List<Written<ChipProfile>> Chips()
    {
        var chips = new List<Written<ChipProfile>>();
        foreach (var text in _root.Texts("chips", demanded: true))
        {
            if (Chip(text) is not { } chip)
                continue;

            if (chips.Any(known => known.Value.Name == chip.Name))
                _source.Add(RecipeProblems.KeyTwice(_source.At(text.Line), $"chips: {chip.Name}", chips.Find(known => known.Value.Name == chip.Name).Line));
            else
                chips.Add(new Written<ChipProfile>(chip, text.Line));
        }

        if (chips.Count == 0 && _source.Problems.Count == 0)
            _source.Add(RecipeProblems.KeyMissing(_source.At(_root.Line), "chips"));

        return chips;
    }

    private ChipProfile? Chip(YamlText text)
    {
        try
        {
            var isFile = text.Text.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
            return ChipProfiles.Find(isFile ? _source.Resolve(text.Text) : text.Text);
        }
        catch (LoraOpsException wrong) when (wrong.Problems[0].Code == ProblemCode.ChipUnknown)
        {
            var known = ChipProfiles.All.Select(chip => chip.Name).ToList();
            _source.Add(RecipeProblems.ChipUnknown(_source.At(text.Line), text.Text, known, NearMisses.Phrase(text.Text, known)));
        }
        catch (LoraOpsException wrong)
        {
            foreach (var problem in wrong.Problems)
                _source.Add(problem with { Where = $"{_source.At(text.Line)}: {problem.Where}" });
        }

        return null;
    }

    private static int LineOf(string where, string path) =>
        where.Length > path.Length && int.TryParse(where[(path.Length + 1)..].Split(':')[0], out var line) ? line : 0;
}
