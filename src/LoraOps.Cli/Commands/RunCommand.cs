using System.CommandLine;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Cli.Reports.Html;
using LoraOps.Problems;
using LoraOps.Recipes;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops run RECIPE.yaml</c></summary>
internal sealed class RunCommand : Verb
{
    private const int BarSteps = 1000;

    private static readonly string[] Columns =
    [
        "adapter", "chip", "base=base accuracy", "float=adapter accuracy", "INT8=INT8 accuracy", "cosine", "SQNR",
        "size", "time", "status",
    ];

    private readonly Argument<string> _recipe = new("RECIPE.yaml") { Description = "The recipe; its paths are relative to it." };

    private readonly Option<string?> _only = new("--only")
    {
        Description = "Only the jobs whose adapter, chip or adapter/chip fits (* and ? stand for anything).",
        HelpName = "PATTERN",
    };

    private readonly Option<int> _jobs = new("--jobs")
    {
        Description = "How many jobs to work on at once.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private readonly ReportOptions _reports = new(hasPage: true);
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public RunCommand()
        : base("run", "Do what a recipe says: convert, quantize, prove and bundle every adapter for every chip.")
    {
        Add(_recipe);
        foreach (var option in new Option[] { _only, _jobs, _overwrite, _dryRun })
            Add(option);

        _reports.AddTo(this);
        _jobs.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && (!int.TryParse(token.Value, out var jobs) || jobs < 1))
                result.AddError($"--jobs '{token.Value}' is no number from 1");
        });
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var reports = _reports.Read(parsed, parsed.GetValue(_overwrite));
        return screen.WithStages(stages => reports.Around("run", () => Run(parsed, reports, stages, stop)));
    }

    private Answer Run(ParseResult parsed, ReportOptions.ReportPlaces reports, Stages stages, CancellationToken stop)
    {
        stages.Begin("planning");
        var recipe = Recipe.Load(parsed.GetRequiredValue(_recipe));
        var plan = Plan.Make(recipe, new PlanOptions { Only = parsed.GetValue(_only), Overwrite = parsed.GetValue(_overwrite) });
        if (parsed.GetValue(_dryRun))
            return new Answer(Describe(plan));

        stages.Begin($"running {plan.Steps.Count(step => !step.IsDone)} of {plan.Steps.Count} steps", BarSteps);
        var report = RecipeRun.Run(
            plan,
            new RunOptions { Jobs = parsed.GetValue(_jobs), Progress = step => Tell(stages, step) },
            stop);
        var checks = JobChecks.Of(report, plan.Recipe.Path);
        reports.Write(checks, () => RunPage.Write(report, checks));
        return new Answer(Describe(report), [.. report.Jobs
            .SelectMany(job => job.Problems)
            .Distinct()
            .OrderByDescending(problem => problem.Code.ExitCode())]) { Checks = checks };
    }

    private static void Tell(Stages stages, RunProgress step) =>
        stages.Reach(BarSteps * step.Fraction, step.Chip is null ? $"{step.Stage} {step.Adapter}" : $"{step.Stage} {step.Adapter} for {step.Chip}");

    private static Sheet Describe(Plan plan) => new Sheet()
        .Add("recipe", plan.Recipe.Name)
        .Add("output", plan.Recipe.Output.Value)
        .Add("written", false)
        .AddGrid("steps", ["stage", "adapter", "chip", "done", "what"], plan.Steps.Select(step => new Cell[]
        {
            step.Stage, step.Adapter, step.Chip, step.IsDone, step.What,
        }));

    private static Sheet Describe(Report report)
    {
        var sheet = new Sheet()
            .Add("recipe", report.Name)
            .Add("output", report.Output)
            .Add("up to date", report.IsUpToDate)
            .Add("time", Cell.Seconds(report.Elapsed))
            .AddGrid("accuracy, distance and size=results", Columns, report.Jobs.Select(Row))
            .AddGrid(
                "details",
                ["adapter", "chip", "bundle", "conversion error", "float bytes", "integer kernels", "delta cosine", "effect cosine", "effect ratio"],
                report.Jobs.Select(job => new Cell[]
                {
                    job.Adapter, job.Chip, job.Bundle, job.ConversionError ?? Cell.None, Size(job.FloatBytes), job.IntegerKernels ?? Cell.None,
                    job.DeltaCosine ?? Cell.None, job.EffectCosine ?? Cell.None, job.EffectRatio ?? Cell.None,
                }),
                detail: true)
            .AddNotes("findings", report.Jobs.SelectMany(job => job.Findings.Select(text => $"{job.Adapter}/{job.Chip}: {text}")), detail: true);
        return report.IsUpToDate ? sheet.AddNotes("summary", ["Nothing has changed since the last run: nothing was done."]) : sheet;
    }

    private static Cell[] Row(JobReport job) =>
    [
        job.Adapter,
        job.Chip,
        Share(job.BaseAccuracy),
        Share(job.AdapterAccuracy),
        Share(job.QuantizedAccuracy),
        job.Cosine is { } cosine ? new Cell(FormattableString.Invariant($"{cosine:0.00000}"), cosine) : Cell.None,
        job.Sqnr is { } sqnr ? Cell.Decibels(sqnr) : Cell.None,
        Size(job.Bytes),
        Cell.Seconds(job.Elapsed),
        Status(job.Status),
    ];

    private static Cell Share(double? value) => value is { } share ? new Cell(FormattableString.Invariant($"{share * 100:0.0} %"), share) : Cell.None;

    private static Cell Size(long? bytes) => bytes is { } count ? Cell.Bytes(count) : Cell.None;

    private static Cell Status(JobStatus status) => status switch
    {
        JobStatus.Built => new Cell("built", "built") { Tone = Tone.Good },
        JobStatus.UpToDate => new Cell("cached", "up-to-date") { Tone = Tone.Good },
        JobStatus.Restored => new Cell("restored", "restored") { Tone = Tone.Good },
        JobStatus.GateFailed => new Cell("GATE FAILED", "gate-failed") { Tone = Tone.Bad },
        _ => new Cell("FAILED", "failed") { Tone = Tone.Bad },
    };
}
