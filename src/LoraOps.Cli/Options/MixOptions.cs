using System.CommandLine;
using System.CommandLine.Parsing;
using LoraOps.Cli.Output;
using LoraOps.Merging;
using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Recipes;
using LoraOps.Transforms;

namespace LoraOps.Cli.Options;

/// <summary>What a mix is made of: adapters, method and parameters, from options or from a recipe.</summary>
internal sealed class MixOptions
{
    // What a flag without a value says.
    private const string Set = "true";
    private const string Peft = "peft";
    private const string SvdEnd = "-svd";

    private readonly AdapterOptions _adapters = new(required: false, "once for each that is mixed");

    private readonly Option<string?> _recipe = new("--recipe")
    {
        Description = "Adapters, weights, method and parameters as JSON or YAML; paths are relative to it.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _method = new("--method")
    {
        Description = "How to mix: the README lists the methods.",
        HelpName = "NAME",
    };

    private readonly Option<string?> _base = new("--base")
    {
        Description = "The base's weights; DoRA needs them, and saved modules whose weights have not the sum 1.",
        HelpName = "DIR|FILE",
    };

    private readonly Option<string?> _keep = new("--keep")
    {
        Description = "Take saved modules and biases from this adapter as they are, instead of averaging them.",
        HelpName = "NAME",
    };

    private readonly Option<string> _arithmetic = new Option<string>("--arithmetic")
    {
        Description = "exact: the method's definition on the true deltas. peft: as add_weighted_adapter does it, defects included.",
        DefaultValueFactory = _ => "exact",
    }.Among("exact", "peft");

    private readonly (MixParameter Parameter, Option<string?> Option)[] _parameters =
        [.. MixParameters.All.Select(parameter => (parameter, Of(parameter)))];

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        _adapters.AddTo(command);
        foreach (var option in new Option[] { _recipe, _method, _arithmetic, _base, _keep }.Concat(_parameters.Select(pair => pair.Option)))
            command.Add(option);

        _method.CompletionSources.Add([.. MixMethods.All.Select(method => method.Name)]);
        command.Validators.Add(CheckSource);
        command.Validators.Add(CheckMethod);
    }

    /// <summary>What is asked for, with every adapter read.</summary>
    /// <exception cref="LoraOpsException">The recipe or an adapter is wrong.</exception>
    public MixRequest Request(ParseResult parsed, string output)
    {
        var recipe = parsed.GetValue(_recipe) is { } file ? MixRecipe.Load(file) : null;
        var given = _parameters.Where(pair => parsed.GetResult(pair.Option) is not null).ToList();
        var settings = given.Aggregate(
            recipe?.Settings ?? new MixSettings(), (settings, pair) => pair.Parameter.Apply(settings, parsed.GetValue(pair.Option) ?? Set)!);
        var method = recipe?.Method.Name ?? parsed.GetValue(_method)!;
        return new MixRequest
        {
            Adapters = recipe is null ? _adapters.Read(parsed) : AdapterSources.Read(recipe.Adapters),
            Method = MixMethods.Find(method) ?? MixMethods.Find("cat")!,
            PeftType = parsed.GetValue(_arithmetic) == Peft ? PeftArithmetic.TypeOf(method, settings.Rank is not null) : null,
            Settings = settings,
            Given = [.. (recipe?.Given ?? []).Union(given.Select(pair => pair.Parameter.Name))],
            Output = output,
            Base = parsed.GetValue(_base) ?? recipe?.Base,
            Keep = parsed.GetValue(_keep) ?? recipe?.Keep,
        };
    }

    private void CheckSource(CommandResult result)
    {
        var (hasRecipe, hasMethod, adapters) = (result.GetResult(_recipe) is not null, result.GetResult(_method) is not null, Adapters(result));
        if (hasRecipe && (hasMethod || adapters > 0))
            result.AddError("--recipe names adapters and method itself; leave out --adapter and --method");
        else if (!hasRecipe && adapters == 0)
            result.AddError("the option --adapter is missing, once for each adapter, or --recipe");
        else if (!hasRecipe && !hasMethod)
            result.AddError("the option --method is missing");
    }

    private void CheckMethod(CommandResult result)
    {
        if (Only(result, _method) is not { } name)
            return;

        var isPeft = Only(result, _arithmetic) == Peft;
        IReadOnlyList<string> known = isPeft ? PeftArithmetic.Types : [.. MixMethods.All.Select(method => method.Name)];
        var method = MixMethods.Find(name);
        if (isPeft ? !known.Contains(PeftArithmetic.TypeOf(name, IsGiven(result, "rank"))) : method is null)
            result.AddError($"--method '{name}' is no method{NearMisses.Phrase(name, known)}; known are {string.Join(", ", known)}");
        else if ((method ?? MixMethods.Find(name[..^SvdEnd.Length])) is { NeedsDensity: true } && !IsGiven(result, "density"))
            result.AddError($"--method {name} drops elements: --density says how many are kept, for example 0.5");
        else if (method is { NeedsRank: true } && !isPeft && !IsGiven(result, "rank") && !IsGiven(result, "energy"))
            result.AddError($"--method {method.Name} cuts the sum: --rank or --energy says where");
        else if (method?.Adapters is { } count && Adapters(result) != count)
            result.AddError($"--method {method.Name} takes {count} adapters, {Adapters(result)} are given");
    }

    // An option that is given twice has no value, and the parser says so itself.
    private static string? Only(CommandResult result, Option option) => result.GetResult(option) is { Tokens: [var token] } ? token.Value : null;

    private bool IsGiven(CommandResult result, string parameter) =>
        result.GetResult(_parameters.Single(pair => pair.Parameter.Name == parameter).Option) is not null;

    private static int Adapters(CommandResult result) =>
        result.Children.OfType<OptionResult>().Where(child => child.Option.Name == "--adapter").Sum(child => child.Tokens.Count);

    private static Option<string?> Of(MixParameter parameter)
    {
        // The design's own short name for what recipes call majority_sign_method.
        string[] aliases = parameter.Name == "majority_sign_method" ? ["--sign"] : [];
        var option = new Option<string?>(parameter.Option, aliases) { Description = parameter.Description, HelpName = parameter.Placeholder };
        if (parameter.IsFlag)
            option.Arity = ArgumentArity.ZeroOrOne;

        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => parameter.Apply(new MixSettings(), token.Value) is null))
                result.AddError($"{parameter.Option} '{token.Value}' is not allowed: {parameter.Allowed}");
        });
        return option;
    }
}
