using System.CommandLine;
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

    private readonly AdapterOptions _adapters = new(required: false);

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
        command.Validators.Add(result =>
        {
            IReadOnlyList<string> known = result.GetValue(_arithmetic) == Peft ? PeftArithmetic.Types : [.. MixMethods.All.Select(method => method.Name)];
            if (result.GetValue(_method) is { } name && MixMethods.Find(name) is null && !known.Contains(name.Replace('_', '-')))
                result.AddError($"--method '{name}' is no method{NearMisses.Phrase(name, known)}; known are {string.Join(", ", known)}");

            var hasRecipe = result.GetResult(_recipe) is not null;
            var hasMethod = result.GetResult(_method) is not null;
            var hasAdapters = result.Children.Any(child => child is System.CommandLine.Parsing.OptionResult { Option.Name: "--adapter" });
            if (hasRecipe && (hasMethod || hasAdapters))
                result.AddError("--recipe names adapters and method itself; leave out --adapter and --method");
            else if (!hasRecipe && !hasAdapters)
                result.AddError("the option --adapter is missing, once for each adapter, or --recipe");
            else if (!hasRecipe && !hasMethod)
                result.AddError("the option --method is missing");
        });
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
