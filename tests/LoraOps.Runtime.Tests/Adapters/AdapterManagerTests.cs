using LoraOps.Problems;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Tests.Adapters;

public sealed class AdapterManagerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyCity _city;

    public AdapterManagerTests() => _city = new TinyCity(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Switches_by_id_from_run_to_run()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        manager.Load("guangzhou", _city.Adapter("g", 3, "q", ranks: 4));

        Assert.Equal("inputs", manager.Form);
        Assert.Equal(["x"], manager.Inputs.Select(input => input.Name));
        Assert.Equal(["guangzhou", "shanghai"], manager.Adapters.Select(one => one.Id));
        Assert.Equal([15f], TinyCity.Run(manager, "shanghai"));
        Assert.Equal([3f], TinyCity.Run(manager, "base"));
        Assert.Equal([30f, 30f], TinyCity.Run(manager, "guangzhou", batch: 2));
        Assert.Equal([15f], TinyCity.Run(manager, "shanghai"));
    }

    [Fact]
    public void Preloads_with_and_without_a_run()
    {
        using var manager = Open();
        var info = manager.Load("shanghai", _city.Adapter("s", 2));

        manager.Preload("base");
        manager.Preload("shanghai");
        manager.Preload("shanghai", TinyCity.Ones());

        Assert.Equal(new FileInfo(info.Path).Length, manager.ResidentBytes);
        Assert.Equal(64, info.Digest.Length);
    }

    [Fact]
    public void A_new_file_under_an_id_is_active_at_once_and_a_lease_keeps_the_old_one()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s1", 2));
        var old = manager.Acquire("shanghai");
        var before = manager.ResidentBytes;

        var larger = manager.Load("shanghai", _city.Adapter("s2", 4, ranks: 16));

        Assert.Equal([TinyCity.Expected(4)], TinyCity.Run(manager, "shanghai"));
        Assert.Equal([TinyCity.Expected(2)], Floats(old));
        Assert.Equal(before + larger.Bytes, manager.ResidentBytes);
        old.Dispose();
        Assert.Equal(larger.Bytes, manager.ResidentBytes);
    }

    [Fact]
    public void A_broken_new_file_leaves_the_old_one_active()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s1", 2));
        var broken = File.ReadAllBytes(_city.Adapter("s2", 4));
        File.WriteAllBytes(_folder["broken"], broken[..^9]);

        Assert.Throws<LoraOpsException>(() => manager.Load("shanghai", _folder["broken"]));
        Assert.Throws<LoraOpsException>(() => manager.Load("shanghai", _folder["missing"]));

        Assert.Equal([TinyCity.Expected(2)], TinyCity.Run(manager, "shanghai"));
    }

    [Fact]
    public void Unloading_waits_for_nobody_and_frees_with_the_last_run()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        var lease = manager.Acquire("shanghai");

        manager.Unload("shanghai");

        Raised.By(ProblemCode.AdapterUnknown, () => manager.Acquire("shanghai"));
        Assert.Empty(manager.Adapters);
        Assert.NotEqual(0, manager.ResidentBytes);
        Assert.Equal([TinyCity.Expected(2)], Floats(lease));
        lease.Dispose();
        Assert.Equal(0, manager.ResidentBytes);
    }

    [Fact]
    public void What_is_freed_is_mapped_no_more()
    {
        if (!OperatingSystem.IsLinux())
            return;

        using var manager = Open();
        var path = manager.Load("shanghai", _city.Adapter("s", 2)).Path;
        var lease = manager.Acquire("shanghai");
        manager.Unload("shanghai");
        Assert.Contains(path, File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);

        lease.Dispose();

        Assert.DoesNotContain(path, File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
    }

    [Fact]
    public void Adapters_of_different_modules_are_active_together()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        manager.Load("night", _city.Adapter("n", 3, "q"));

        using var both = manager.AcquireTogether("shanghai", "base", "night");
        using var none = manager.AcquireTogether();

        Assert.Equal(["shanghai", "night"], both.Ids);
        Assert.Equal([3f + 12 + 27], Floats(both));
        Assert.Equal([3f], Floats(none));
    }

    [Fact]
    [Raises(ProblemCode.AdaptersOverlap)]
    public void Adapters_of_the_same_module_are_not()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        manager.Load("guangzhou", _city.Adapter("g", 3));

        var problem = Raised.By(ProblemCode.AdaptersOverlap, () => manager.AcquireTogether("shanghai", "guangzhou"));

        Assert.Contains("'p.lora_", problem.What, StringComparison.Ordinal);
        manager.Unload("shanghai");
        manager.Unload("guangzhou");
        Assert.Equal(0, manager.ResidentBytes);
    }

    [Fact]
    [Raises(ProblemCode.AdapterUnknown)]
    public void Unknown_ids_name_the_nearest()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));

        var problem = Raised.By(ProblemCode.AdapterUnknown, () => manager.Run("shanghia", TinyCity.Ones()));

        Assert.Contains("nearest: 'shanghai'", problem.What, StringComparison.Ordinal);
        Raised.By(ProblemCode.AdapterUnknown, () => manager.Unload("base"));
        Raised.By(ProblemCode.AdapterUnknown, () => manager.Preload("beijing"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("base")]
    [InlineData("a\nb")]
    [Raises(ProblemCode.AdapterIdInvalid)]
    public void Some_ids_are_refused(string id)
    {
        using var manager = Open();

        Raised.By(ProblemCode.AdapterIdInvalid, () => manager.Load(id, _city.Adapter("s", 2)));
    }

    [Fact]
    [Raises(ProblemCode.InputTaken, ProblemCode.InputUnknown)]
    public void Inputs_that_would_be_ignored_missing_or_unknown_are_errors()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        var inputs = TinyCity.Ones();
        inputs["p.lora_A.weight"] = OrtValue.CreateTensorValueFromMemory(new float[3], [3, 1]);

        Raised.By(ProblemCode.InputTaken, () => manager.Run("shanghai", inputs));
        Raised.By(ProblemCode.InputMissing, () => manager.Run("shanghai", new Dictionary<string, OrtValue>()));
        inputs.Remove("p.lora_A.weight");
        inputs["X"] = inputs["x"];
        Raised.By(ProblemCode.InputUnknown, () => manager.Run("shanghai", inputs));
    }

    [Fact]
    [Raises(ProblemCode.AdapterRunFailed)]
    public void Says_why_a_run_failed()
    {
        using var manager = Open();
        var inputs = new Dictionary<string, OrtValue> { ["x"] = OrtValue.CreateTensorValueFromMemory(new float[4], [1, 4]) };

        var problem = Raised.By(ProblemCode.AdapterRunFailed, () => manager.Run("base", inputs));

        Assert.Contains("invalid dimensions", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_into_memory_of_the_caller()
    {
        using var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        using var lease = manager.Acquire("shanghai");
        var y = new float[1];
        var outputs = new Dictionary<string, OrtValue> { ["y"] = OrtValue.CreateTensorValueFromMemory(y, [1, 1]) };

        lease.RunInto(TinyCity.Ones(), outputs);

        Assert.Equal([TinyCity.Expected(2)], y);
    }

    [Fact]
    public void Ends_with_the_last_lease()
    {
        var manager = Open();
        manager.Load("shanghai", _city.Adapter("s", 2));
        var lease = manager.Acquire("shanghai");

        manager.Dispose();
        manager.Dispose();

        Assert.Throws<ObjectDisposedException>(() => manager.Acquire("base"));
        Assert.Throws<ObjectDisposedException>(() => manager.Load("t", _city.Adapter("t", 3)));
        Assert.Equal([TinyCity.Expected(2)], Floats(lease));
        lease.Dispose();
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Floats(lease));
    }

    // A binding and an asynchronous run ignore adapters; who cannot reach the session cannot fall into the trap.
    [Fact]
    public void Nobody_gets_hold_of_what_ignores_adapters()
    {
        var shown = from type in typeof(AdapterManager).Assembly.GetExportedTypes()
                    where type.Namespace == typeof(AdapterManager).Namespace
                    from method in type.GetMethods()
                    select method.ReturnType;

        Assert.DoesNotContain(shown, type => type == typeof(InferenceSession) || type == typeof(RunOptions)
            || type == typeof(OrtLoraAdapter) || type == typeof(OrtIoBinding));
    }

    private static float[] Floats(AdapterLease lease)
    {
        using var outputs = lease.Run(TinyCity.Ones());
        return outputs.Floats("y");
    }

    private AdapterManager Open() => AdapterManager.Open(_city.Inputs());
}
