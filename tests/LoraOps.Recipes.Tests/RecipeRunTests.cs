using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Recipes.Caching;
using LoraOps.Testing;

namespace LoraOps.Recipes.Tests;

/// <summary>The whole way, and no step of it twice.</summary>
public sealed class RecipeRunTests : IDisposable
{
    private const string Name = "shanghai-x64-vnni";
    private readonly Kitchen _kitchen = new();

    public void Dispose() => _kitchen.Dispose();

    [Fact]
    public void Every_city_on_every_chip_keeps_its_promise()
    {
        var demo = Recipe.Load(Fixtures.Path("bev-vit", "recipe.yaml"));
        var progress = new List<RunProgress>();
        var report = RecipeRun.Run(
            Plan.Make(demo with { Output = new Written<string>(_kitchen.Output, 1) }), new RunOptions { Progress = progress.Add });
        Assert.Equal(8, report.Jobs.Count);
        Assert.All(report.Jobs, job =>
        {
            Assert.Equal(JobStatus.Built, job.Status);
            Assert.Empty(BundleVerifier.Verify(_kitchen.Bundle($"{job.Adapter}-{job.Chip}")));
            Assert.InRange(job.ConversionError ?? 1, 0, 1e-4);
            Assert.InRange(job.Cosine ?? 0, 0.99, 1);
            Assert.InRange(job.Sqnr ?? 0, 15, 100);
            Assert.InRange((job.AdapterAccuracy - job.QuantizedAccuracy) ?? 1, -0.05, 0.015);
            Assert.InRange(job.AdapterAccuracy - job.BaseAccuracy ?? 0, 0.5, 1);
        });
        Assert.All(report.Jobs.Where(job => job.Chip == "x64-vnni"), job =>
        {
            Assert.InRange((double)(job.Bytes ?? 0) / (job.FloatBytes ?? 1), 0.2, 0.3);
            Assert.True(job.IntegerKernels > 0);
        });
        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal(1.0, progress[^1].Fraction);
        Assert.Equal(progress.Select(one => one.Fraction).Order(), progress.Select(one => one.Fraction));
    }

    [Fact]
    public void A_manifest_says_what_was_made_from_what_and_how_it_was_proven()
    {
        Kitchen.Run(_kitchen.Write(chips: "orin-x", more: "gates: {convert: [max-abs<=1e-4], quantize: [cosine>=0.99]}"));
        var manifest = BundleVerifier.Read(_kitchen.Bundle("shanghai-orin-x"));
        Assert.Equal(["convert", "adapt", "quantize"], manifest.Parity.Select(check => check.Step));
        Assert.Equal(
            ["max-abs<=0.0001", "cosine>=0.99", "delta-cosine>=0.6", "effect-cosine>=0.9"],
            manifest.Parity.SelectMany(check => check.Gates).Select(gate => gate.Limit));
        var kept = manifest.Parity[^1].Metrics.Where(metric => metric.Name == "delta-cosine").ToList();
        Assert.Equal(8, kept.Count);
        Assert.Equal("vit.layers.0.attention.q_proj", kept[0].Output);
        Assert.All(kept, metric => Assert.InRange(metric.Value, 0.999, 1));
        Assert.Equal(Digest.OfFile(Fixtures.Path("bev-vit", "hf", "model.safetensors")), manifest.Base?.Weights?.Sha256);
        Assert.Equal(Digest.OfFile(Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors")), manifest.Quantization?.Calibration?.Sha256);
        Assert.Contains(manifest.Compile ?? [], line => line.Contains("--onnx=model.onnx", StringComparison.Ordinal));
        Assert.Equal("model.onnx", Assert.Single(manifest.Files).Path);
    }

    [Fact]
    public void A_second_run_does_nothing_and_says_so()
    {
        var recipe = _kitchen.Write();
        Kitchen.Run(recipe);
        var before = Stamps();
        var steps = Plan.Make(recipe).Steps;
        var report = Kitchen.Run(recipe);
        Assert.All(steps, step => Assert.True(step.IsDone));
        Assert.True(report.IsUpToDate);
        Assert.InRange(report.Jobs[0].Cosine ?? 0, 0.99, 1);
        Assert.Equal(before, Stamps());
    }

    [Fact]
    public void A_changed_adapter_rebuilds_its_own_jobs_only_and_the_old_results_go()
    {
        foreach (var city in new[] { "shanghai", "beijing" })
            CopyFolder(Fixtures.Path("bev-vit", "adapters", city), _kitchen[city]);

        var recipe = _kitchen.Write("shanghai beijing") is var written
            ? written with { Adapters = [.. written.Adapters.Select(one => one with { Path = new Written<string>(_kitchen[one.Name], one.Line) })] }
            : null;
        Assert.NotNull(recipe);
        Kitchen.Run(recipe);
        Assert.Equal(4, Entries().Count);
        File.AppendAllText(Path.Combine(_kitchen["shanghai"], "adapter_config.json"), "\n");
        var report = Kitchen.Run(recipe);
        Assert.Equal([JobStatus.Built, JobStatus.UpToDate], report.Jobs.Select(job => job.Status));
        Assert.False(report.IsUpToDate);
        Assert.Equal(4, Entries().Count);
    }

    [Fact]
    public void Part_of_a_recipe_leaves_the_results_of_the_rest()
    {
        var recipe = _kitchen.Write(chips: "orin-x, x64-vnni");
        Kitchen.Run(recipe);
        Assert.Equal(JobStatus.UpToDate, Assert.Single(Kitchen.Run(recipe, only: "orin-x").Jobs).Status);
        Assert.Equal(3, Entries().Count);
    }

    [Fact]
    public void The_same_recipe_gives_the_same_bytes_anywhere_and_with_any_number_of_jobs()
    {
        using var elsewhere = new Kitchen();
        Kitchen.Run(_kitchen.Write("shanghai beijing", "orin-x, x64-vnni"));
        var report = Kitchen.Run(elsewhere.Write("shanghai beijing", "orin-x, x64-vnni"), jobs: 2);
        Assert.Equal(["shanghai/orin-x", "shanghai/x64-vnni", "beijing/orin-x", "beijing/x64-vnni"], report.Jobs.Select(job => $"{job.Adapter}/{job.Chip}"));
        var (here, there) = (_kitchen.Published(), elsewhere.Published());
        Assert.Equal(12, here.Count);
        Assert.Equal(here.Keys, there.Keys);
        Assert.All(here, file => Assert.True(file.Value.AsSpan().SequenceEqual(there[file.Key]), file.Key));
    }

    [Fact]
    public void A_bundle_that_was_damaged_or_lost_is_put_back_from_the_cache()
    {
        var recipe = _kitchen.Write();
        Kitchen.Run(recipe);
        var bytes = File.ReadAllBytes(_kitchen.Bundle(Name, "model.onnx"));
        File.AppendAllText(_kitchen.Bundle(Name, "model.onnx"), "!");
        Assert.Equal(JobStatus.Restored, Kitchen.Run(recipe).Jobs[0].Status);
        Assert.Equal(bytes, File.ReadAllBytes(_kitchen.Bundle(Name, "model.onnx")));
        Directory.Delete(_kitchen.Bundle(Name), recursive: true);
        Assert.Equal(JobStatus.Restored, Kitchen.Run(recipe).Jobs[0].Status);
        Assert.True(Kitchen.Run(recipe).IsUpToDate);
    }

    [Fact]
    public void A_damaged_cache_is_not_believed()
    {
        var recipe = _kitchen.Write();
        Kitchen.Run(recipe);
        foreach (var entry in Entries())
            File.AppendAllText(Path.Combine(entry, "model.onnx"), "!");

        Assert.Equal(JobStatus.Built, Kitchen.Run(recipe).Jobs[0].Status);
        Assert.Empty(BundleVerifier.Verify(_kitchen.Bundle(Name)));
        Assert.True(Kitchen.Run(recipe).IsUpToDate);
    }

    [Fact]
    public void A_damaged_bundle_of_nobody_known_is_not_replaced()
    {
        var recipe = _kitchen.Write();
        Kitchen.Run(recipe);
        Directory.Delete(Path.Combine(_kitchen.Output, ".cache"), recursive: true);
        Assert.Equal(JobStatus.Built, Kitchen.Run(recipe).Jobs[0].Status);
        Directory.Delete(Path.Combine(_kitchen.Output, ".cache"), recursive: true);
        File.AppendAllText(_kitchen.Bundle(Name, "model.onnx"), "!");
        Assert.Equal(ExitCode.WrongDigest, Assert.Throws<LoraOpsException>(() => Plan.Make(recipe)).ExitCode);
    }

    [Fact]
    public void An_adapter_that_quantization_buries_is_not_published()
    {
        var job = Assert.Single(Kitchen.Run(_kitchen.Write(more: "gates: {quantize: [delta-cosine>=0.999999]}")).Jobs);
        var problem = Assert.Single(job.Problems);
        Assert.Equal((JobStatus.GateFailed, ProblemCode.AdapterBuried), (job.Status, problem.Code));
        Assert.Contains("'vit.layers.1.attention.q_proj'", problem.What, StringComparison.Ordinal);
        Assert.InRange(job.DeltaCosine ?? 0, 0.999, 0.999999);
        Assert.InRange(job.EffectCosine ?? 0, 0.999, 1);
        Assert.InRange(job.EffectRatio ?? 0, 0.99, 1.01);
        Assert.Empty(Published());
    }

    [Fact]
    public void A_missed_gate_publishes_nothing_and_stops_no_other_job()
    {
        var report = Kitchen.Run(_kitchen.Write(chips: "orin-x, x64-vnni", more: "gates: {quantize: [sqnr>=90]}"));
        Assert.All(report.Jobs, job => Assert.Equal(JobStatus.GateFailed, job.Status));
        Assert.All(report.Jobs, job => Assert.Contains("sqnr>=90 misses it by", Assert.Single(job.Problems).What, StringComparison.Ordinal));
        Assert.All(report.Jobs, job => Assert.Null(job.Bundle));
        Assert.NotNull(report.Jobs[0].QuantizedAccuracy);
        Assert.Equal(ExitCode.GateFailed, report.ExitCode);
        Assert.Empty(Published());
    }

    [Fact]
    public void A_conversion_that_misses_its_gate_is_not_quantized()
    {
        var report = Kitchen.Run(_kitchen.Write("shanghai beijing", more: "gates: {convert: [max-abs<=1e-12]}"));
        Assert.All(report.Jobs, job => Assert.Equal(JobStatus.GateFailed, job.Status));
        Assert.All(report.Jobs, job => Assert.Null(job.QuantizedAccuracy));
        Assert.All(report.Jobs, job => Assert.NotNull(job.AdapterAccuracy));
        Assert.Equal(ExitCode.GateFailed, report.ExitCode);
    }

    [Fact]
    public void A_job_that_cannot_be_done_stops_no_other()
    {
        var recipe = _kitchen.Write("shanghai beijing");
        var plan = Plan.Make(recipe);
        var broken = plan.Adapters[0] with { Recipe = plan.Adapters[0].Recipe with { Calibration = new RecipeData([_kitchen["gone"]], 1) } };
        var report = RecipeRun.Run(new Plan(recipe, true, plan.Inputs, [broken, plan.Adapters[1]]));
        Assert.Equal([JobStatus.Failed, JobStatus.Built], report.Jobs.Select(job => job.Status));
        Assert.Equal(ExitCode.InvalidInput, report.ExitCode);
        Assert.DoesNotContain(Entries(), entry => Path.GetFileName(entry).StartsWith("work", StringComparison.Ordinal));
    }

    [Fact]
    public void A_conversion_that_cannot_be_done_fails_its_jobs()
    {
        var recipe = _kitchen.Write();
        var plan = Plan.Make(recipe);
        var broken = plan.Adapters[0] with { Recipe = plan.Adapters[0].Recipe with { Evaluation = new RecipeData([_kitchen["gone"]], 1) } };
        var job = Assert.Single(RecipeRun.Run(new Plan(recipe, true, plan.Inputs, [broken])).Jobs);
        Assert.Equal(JobStatus.Failed, job.Status);
        Assert.NotEmpty(job.Problems);
    }

    [Fact]
    public void What_a_killed_run_left_is_removed()
    {
        var recipe = _kitchen.Write();
        string[] leavings = [$".cache/work-{new string('a', 64)}", $".cache/.{new string('b', 64)}.x.partial", $".{Name}.x.partial"];
        foreach (var leaving in leavings)
            Directory.CreateDirectory(Path.Combine(_kitchen.Output, leaving, "half"));

        Kitchen.Run(recipe);
        Assert.All(leavings, leaving => Assert.False(Directory.Exists(Path.Combine(_kitchen.Output, leaving))));
        Assert.Empty(BundleVerifier.Verify(_kitchen.Bundle(Name)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_stopped_run_publishes_nothing_half(int jobs)
    {
        using var stop = new CancellationTokenSource();
        var plan = Plan.Make(_kitchen.Write());
        var options = new RunOptions { Jobs = jobs, Progress = progress => Stop(progress, stop) };
        Assert.ThrowsAny<OperationCanceledException>(() => RecipeRun.Run(plan, options, stop.Token));
        Assert.Empty(Published());
        Assert.Equal(JobStatus.Built, RecipeRun.Run(plan).Jobs[0].Status);
    }

    [Fact]
    [Raises(ProblemCode.RunLocked)]
    public void Two_runs_do_not_work_in_one_output()
    {
        var plan = Plan.Make(_kitchen.Write());
        using var other = new OutputFolder(_kitchen.Output).Lock();
        var refused = Assert.Throws<LoraOpsException>(() => RecipeRun.Run(plan));
        Assert.Equal(ProblemCode.RunLocked, refused.Problems[0].Code);
        Assert.Equal(ExitCode.Transient, refused.ExitCode);
    }

    private static void Stop(RunProgress progress, CancellationTokenSource stop)
    {
        if (progress.Stage == "quantize")
            stop.Cancel();
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private List<string> Published() =>
        [.. Directory.EnumerateDirectories(_kitchen.Output).Where(folder => !folder.EndsWith(".cache", StringComparison.Ordinal))];

    private List<string> Entries() =>
        [.. Directory.EnumerateDirectories(Path.Combine(_kitchen.Output, ".cache"))];

    private List<string> Stamps() =>
        [.. Directory.EnumerateFileSystemEntries(_kitchen.Output, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Where(entry => !entry.EndsWith("lock", StringComparison.Ordinal))
            .Select(entry => $"{entry} {File.GetLastWriteTimeUtc(entry):O}")];
}
