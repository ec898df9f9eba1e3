using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using LoraOps.Problems;

namespace LoraOps.Adapters;

/// <summary>
/// PEFT's rule for rank_pattern and alpha_pattern (0.15 and later, <c>get_pattern_key</c>): a key is a Python regular
/// expression that the name, or what follows one of its dots, must match to the end; the first key in file order wins.
/// </summary>
public static partial class ModulePattern
{
    private const RegexOptions Options = RegexOptions.CultureInvariant;

    // A pattern comes from a stranger's file: one that backtracks without end must not hang the build.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    // Lists are matched against every module of an adapter: their expressions are made once.
    private static readonly ConditionalWeakTable<object, Regex[]> Compiled = [];

    /// <summary>The value of the first pattern that matches, or null.</summary>
    /// <param name="patterns">Patterns and values in file order.</param>
    /// <param name="module">The layer, without PEFT's prefix.</param>
    /// <exception cref="LoraOpsException">A pattern is no regular expression, or takes too long.</exception>
    public static T? Find<T>(IReadOnlyList<KeyValuePair<string, T>> patterns, ModuleName module)
        where T : struct
    {
        var expressions = Compiled.GetValue(patterns, _ => [.. patterns.Select(pair => Compile(pair.Key))]);
        for (var index = 0; index < expressions.Length; index++)
        {
            if (Matches(expressions[index], patterns[index].Key, module))
                return patterns[index].Value;
        }

        return null;
    }

    private static bool Matches(Regex expression, string pattern, ModuleName module)
    {
        try
        {
            return expression.IsMatch(module.Value);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new LoraOpsException(AdapterProblems.PatternInvalid(pattern, "takes too long to match"));
        }
    }

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex($@"\A(?:.*\.)?(?:{Translate(pattern)})$", Options, Patience);
        }
        catch (ArgumentException error)
        {
            throw new LoraOpsException(AdapterProblems.PatternInvalid(pattern, error.Message));
        }
    }

    // Python writes (?P<name>…), (?P=name) and \Z where .NET writes (?<name>…), \k<name> and \z.
    private static string Translate(string pattern) => PythonOnly().Replace(pattern, found => found.Value switch
    {
        "(?P<" => "(?<",
        @"\Z" => @"\z",
        _ when found.Groups["name"].Success => $@"\k<{found.Groups["name"].Value}>",
        _ => found.Value,
    });

    // A pair beginning with a backslash is consumed whole, so that an escaped backslash before Z stays one.
    [GeneratedRegex(@"\\.|\(\?P<|\(\?P=(?<name>\w+)\)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex PythonOnly();
}
