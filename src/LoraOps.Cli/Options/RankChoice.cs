using System.CommandLine;
using System.Globalization;
using LoraOps.Mixing;

namespace LoraOps.Cli.Options;

/// <summary>How many ranks a resized module keeps: one rule, and a rank beside it as the cap.</summary>
internal sealed class RankChoice
{
    private const string Plain = "plain";

    private readonly Option<int?> _rank = Rank("The rank of every module; beside another rule the most that one may have.");
    private readonly Option<double?> _ratio = Number("--sv-ratio", "Keep singular values above the largest one divided by X.", least: 1);
    private readonly Option<double?> _cumulative = Share("--sv-cumulative", "Keep the fewest singular values whose sum is X of the sum of all.");
    private readonly Option<double?> _frobenius = Share("--sv-fro", "Keep the fewest singular values whose norm is X of the norm of all.");
    private readonly Option<double?> _energy = Share("--energy", "Keep the fewest singular values whose squares are X of all squares; plain.");
    private readonly Option<long?> _budget = ByteSize.Option(
        "--budget", "Spread ranks over the modules by energy so that the new weights' file fits into SIZE.");

    private readonly Option<string> _convention = new Option<string>("--convention")
    {
        Description = "kohya: at least one more than the rule of --sv-… says, and less than the whole; plain: what it says.",
        DefaultValueFactory = _ => "kohya",
    }.Among("kohya", Plain);

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _rank, _ratio, _cumulative, _frobenius, _energy, _budget, _convention })
            command.Add(option);

        command.Validators.Add(result =>
        {
            var rules = new Option[] { _ratio, _cumulative, _frobenius, _energy, _budget }.Where(option => result.GetResult(option) is not null).ToList();
            if (rules.Count > 1)
                result.AddError($"{rules[0].Name} and {rules[1].Name} are two rules; give one, and --rank as its cap if wanted");
            else if (rules.Count == 0 && result.GetResult(_rank) is null)
                result.AddError("no rule is given: --rank, --sv-ratio, --sv-cumulative, --sv-fro, --energy or --budget");
        });
    }

    /// <summary>The rule.</summary>
    public DynamicRank Of(ParseResult parsed)
    {
        var cap = parsed.GetValue(_rank);
        var isKohya = parsed.GetValue(_convention) != Plain;
        if (parsed.GetValue(_ratio) is { } ratio)
            return new DynamicRank(RankMeasure.Ratio, ratio, cap, isKohya);

        if (parsed.GetValue(_cumulative) is { } sum)
            return new DynamicRank(RankMeasure.Cumulative, sum, cap, isKohya);

        if (parsed.GetValue(_frobenius) is { } norm)
            return new DynamicRank(RankMeasure.Frobenius, norm, cap, isKohya);

        return parsed.GetValue(_energy) is { } energy
            ? new DynamicRank(RankMeasure.Frobenius, Math.Sqrt(energy), cap, IsKohya: false)
            : new DynamicRank(RankMeasure.Cap, 1, cap, isKohya);
    }

    /// <summary>The bytes that all tensors may have, or null.</summary>
    public long? Budget(ParseResult parsed) => parsed.GetValue(_budget);

    /// <summary>The rule as the user gave it.</summary>
    public string Describe(ParseResult parsed)
    {
        var given = new Option[] { _rank, _ratio, _cumulative, _frobenius, _energy, _budget }
            .Select(option => (option.Name, Token: parsed.GetResult(option)?.Tokens is [.., var token] ? token.Value : null))
            .Where(pair => pair.Token is not null).Select(pair => $"{pair.Name[2..]} {pair.Token}");
        var text = string.Join(", ", given);
        return Of(parsed).Measure != RankMeasure.Cap && parsed.GetValue(_energy) is null ? $"{text} ({parsed.GetValue(_convention)})" : text;
    }

    /// <summary>An option that takes a rank.</summary>
    public static Option<int?> Rank(string description) => new("--rank")
    {
        Description = description,
        HelpName = "R",
        CustomParser = result =>
        {
            if (result.Tokens is not [.., var token])
                return null;

            if (int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var rank) && rank > 0)
                return rank;

            result.AddError($"--rank '{token.Value}' is not allowed: a whole number from 1");
            return null;
        },
    };

    /// <summary>An option that takes a share: above 0 to 1.</summary>
    public static Option<double?> Share(string name, string description) => Number(name, description, least: double.Epsilon, most: 1);

    private static Option<double?> Number(string name, string description, double least, double most = double.MaxValue) => new(name)
    {
        Description = description,
        HelpName = "X",
        CustomParser = result =>
        {
            if (result.Tokens is not [.., var token])
                return null;

            if (double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
                return value;

            result.AddError($"{name} '{token.Value}' is not allowed: {(most == 1 ? "a number above 0 to 1" : "a number from 1")}");
            return null;
        },
    };
}
