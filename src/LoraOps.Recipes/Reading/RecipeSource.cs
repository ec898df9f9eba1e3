using LoraOps.Problems;

namespace LoraOps.Recipes.Reading;

/// <summary>The recipe file that is being read, and the mistakes found in it so far.</summary>
internal sealed class RecipeSource(string path)
{
    private readonly List<Problem> _problems = [];

    /// <summary>All mistakes so far, in order of discovery.</summary>
    public IReadOnlyList<Problem> Problems => _problems;

    /// <summary>A line of the file, for messages.</summary>
    public string At(int line) => $"{path}:{line}";

    /// <summary>One more mistake.</summary>
    public void Add(Problem problem) => _problems.Add(problem);

    /// <summary>A text that is not empty, or null and a mistake.</summary>
    public YamlText? Text(YamlValue value, string name)
    {
        if (value is YamlText { IsEmpty: false, Text.Length: > 0 } text)
            return text;

        Add(RecipeProblems.ValueWrong(At(value.Line), name, $"is {value.Kind}, not a text"));
        return null;
    }

    /// <summary>A file or folder relative to the recipe; it is a mistake if it is not there.</summary>
    public Written<string>? Existing(YamlText? text, string name) => text is null ? null : Existing(text.Text, text.Line, name);

    /// <inheritdoc cref="Existing(YamlText?, string)"/>
    public Written<string>? Existing(string text, int line, string name)
    {
        var full = Resolve(text);
        if (Path.Exists(full))
            return new Written<string>(full, line);

        Add(RecipeProblems.FileMissing(At(line), name, text));
        return null;
    }

    /// <summary>A path relative to the recipe as one relative to where the recipe's own path is.</summary>
    public string Resolve(string text) => Path.Combine(Path.GetDirectoryName(path) ?? "", text);
}
