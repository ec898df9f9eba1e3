using LoraOps.Problems;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>The bound of the cache; all files of this class are equally long.</summary>
public sealed class AdapterCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyCity _city;
    private readonly long _bytes;

    public AdapterCacheTests()
    {
        _city = new TinyCity(_folder);
        _bytes = new FileInfo(_city.Adapter("size", 1)).Length;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(AdapterStorage.Mapped)]
    [InlineData(AdapterStorage.Copied)]
    public void What_was_used_longest_ago_leaves_and_comes_back(AdapterStorage storage)
    {
        using var manager = Open(2, storage);
        foreach (var value in new[] { 1, 2, 3 })
            manager.Load($"a{value}", _city.Adapter($"a{value}", value));

        Assert.Equal(["a2", "a3"], Resident(manager));
        Assert.Equal([TinyCity.Expected(1)], TinyCity.Run(manager, "a1"));
        Assert.Equal(["a1", "a3"], Resident(manager));
        Assert.Equal([TinyCity.Expected(3)], TinyCity.Run(manager, "a3"));
        manager.Preload("a2");
        Assert.Equal(["a2", "a3"], Resident(manager));
        Assert.Equal(2 * _bytes, manager.ResidentBytes);
    }

    [Fact]
    [Raises(ProblemCode.CacheFull)]
    public void What_is_in_use_stays()
    {
        using var manager = Open(1);
        manager.Load("a", _city.Adapter("a", 1));
        using (manager.Acquire("a"))
        {
            var problem = Raised.By(ProblemCode.CacheFull, () => manager.Load("b", _city.Adapter("b", 2)));
            Assert.Contains($"needs {_bytes} bytes, but {_bytes} of {_bytes}", problem.What, StringComparison.Ordinal);
            Assert.Equal(["a"], manager.Adapters.Select(one => one.Id));
        }

        manager.Load("b", _city.Adapter("b", 2));
        Assert.Equal(["b"], Resident(manager));
    }

    [Fact]
    public void A_file_larger_than_the_cache_is_refused_and_drives_nobody_out_of_the_table()
    {
        using var manager = Open(1);
        manager.Load("a", _city.Adapter("a", 1));

        Raised.By(ProblemCode.CacheFull, () => manager.Load("b", _city.Adapter("b", 2, ranks: 1000)));

        Assert.Equal([TinyCity.Expected(1)], TinyCity.Run(manager, "a"));
    }

    [Fact]
    public void A_version_is_not_driven_out_by_its_successor()
    {
        using var manager = Open(1);
        manager.Load("a", _city.Adapter("a", 1));

        Raised.By(ProblemCode.CacheFull, () => manager.Load("a", _city.Adapter("b", 2)));

        Assert.Equal(["a"], Resident(manager));
        Assert.Equal([TinyCity.Expected(1)], TinyCity.Run(manager, "a"));
    }

    [Fact]
    [Raises(ProblemCode.AdapterChanged)]
    public void An_evicted_file_that_changed_is_an_error_until_it_is_loaded()
    {
        using var manager = Open(1);
        manager.Load("a", _city.Adapter("a", 1));
        manager.Load("b", _city.Adapter("b", 2));
        var changed = _city.Adapter("a", 5);

        Raised.By(ProblemCode.AdapterChanged, () => manager.Acquire("a"));
        Assert.Equal(_bytes, manager.ResidentBytes);
        manager.Load("a", changed);
        Assert.Equal([TinyCity.Expected(5)], TinyCity.Run(manager, "a"));
    }

    [Fact]
    public void An_evicted_file_that_is_gone_is_an_error()
    {
        using var manager = Open(1);
        var path = manager.Load("a", _city.Adapter("a", 1)).Path;
        manager.Load("b", _city.Adapter("b", 2));
        File.Delete(path);

        Raised.By(ProblemCode.FileMissing, () => manager.Acquire("a"));
        Assert.Equal([TinyCity.Expected(2)], TinyCity.Run(manager, "b"));
    }

    [Fact]
    public void A_copied_adapter_does_not_care_what_becomes_of_its_file()
    {
        using var manager = Open(1, AdapterStorage.Copied);
        var path = manager.Load("a", _city.Adapter("a", 2)).Path;

        File.WriteAllBytes(path, [1, 2, 3]);
        manager.Preload("a");

        Assert.Equal([TinyCity.Expected(2)], TinyCity.Run(manager, "a"));
    }

    [Fact]
    public void A_file_that_was_replaced_or_deleted_lives_on_while_it_is_mapped()
    {
        using var manager = Open(2);
        manager.Load("a", _city.Adapter("a", 2));

        var path = _city.Adapter("a", 7);
        manager.Preload("a");

        Assert.Equal([TinyCity.Expected(2)], TinyCity.Run(manager, "a"));
        File.Delete(path);
        manager.Preload("a");
        Assert.Equal([TinyCity.Expected(2)], TinyCity.Run(manager, "a"));
    }

    [Fact]
    [Raises(ProblemCode.AdapterRefused)]
    public void Says_what_the_runtime_finds_wrong_with_a_file()
    {
        File.WriteAllBytes(_folder["junk"], new byte[64]);
        var file = new CheckedFile(_folder["junk"], LoraOps.Bundles.Digest.OfFile(_folder["junk"]), 64, new HashSet<string>());

        Raised.By(ProblemCode.AdapterRefused, () => AdapterVersion.Open(file, AdapterStorage.Mapped, _ => { }).Dispose());
        Raised.By(ProblemCode.AdapterRefused, () => AdapterVersion.Open(file, AdapterStorage.Copied, _ => { }).Dispose());
    }

    [Fact]
    public void A_file_that_is_replaced_between_the_check_and_the_runtime_is_refused()
    {
        var path = _city.Adapter("a", 2);
        var file = new CheckedFile(path, new string('0', 64), new FileInfo(path).Length, new HashSet<string>());

        Raised.By(ProblemCode.AdapterChanged, () => AdapterVersion.Open(file, AdapterStorage.Mapped, _ => { }).Dispose());
        Raised.By(ProblemCode.AdapterChanged, () => AdapterVersion.Open(file, AdapterStorage.Copied, _ => { }).Dispose());
    }

    private static IEnumerable<string> Resident(AdapterManager manager) =>
        manager.Adapters.Where(one => one.IsResident).Select(one => one.Id);

    private AdapterManager Open(int files, AdapterStorage storage = AdapterStorage.Mapped) =>
        AdapterManager.Open(_city.Inputs(), new AdapterSettings { CacheBytes = files * _bytes, Storage = storage });
}
