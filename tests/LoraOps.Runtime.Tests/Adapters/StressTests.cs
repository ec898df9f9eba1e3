using System.Collections.Concurrent;
using LoraOps.Problems;
using LoraOps.Runtime.Adapters;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Adapters;

/// <summary>Many threads do everything at once: each output is exactly that of one version, and in the end nothing is held.</summary>
public sealed class StressTests : IDisposable
{
    private const int Rounds = 600;
    private static readonly string[] Ids = ["a", "b", "c", "d"];
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<string> _wrong = [];
    private readonly ConcurrentDictionary<ProblemCode, int> _refused = [];
    private float[][] _exact = [];
    private int _runs;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(AdapterStorage.Mapped)]
    [InlineData(AdapterStorage.Copied)]
    public void Every_result_is_that_of_one_version(AdapterStorage storage)
    {
        var city = new TinyCity(_folder);

        // Id i has the values 2 + i, 12 + i, 22 + i … as its versions.
        var files = Ids.Select((id, at) => Enumerable.Range(0, 4)
            .Select(version => city.Adapter($"{id}{version}", 2 + at + (10 * version), ranks: 64)).ToArray()).ToArray();
        _exact = [.. files.Select(versions => Array.ConvertAll(versions, file => Alone(city, file)))];
        var bytes = new FileInfo(files[0][0]).Length;
        var manager = AdapterManager.Open(city.Inputs(), new AdapterSettings { CacheBytes = 5 * bytes / 2, Storage = storage });
        var threads = new List<Thread>();
        for (var seed = 0; seed < 6; seed++)
            threads.Add(Work(seed, random => RunOne(manager, random)));

        threads.Add(Work(10, random => RunLease(manager, random)));
        threads.Add(Work(11, random => Try(() => Reload(manager, files, random))));
        threads.Add(Work(12, random => Try(() => Reload(manager, files, random))));
        threads.Add(Work(13, random => Try(() => manager.Unload(Ids[random.Next(Ids.Length)]))));
        threads.Add(Work(14, _ => GC.Collect(), rounds: 20));
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        Assert.Empty(_wrong);
        Assert.Equal(16, _exact.SelectMany(values => values).Distinct().Count());
        Assert.NotEqual(0, _runs);
        Assert.Subset(new HashSet<ProblemCode> { ProblemCode.AdapterUnknown, ProblemCode.CacheFull }, _refused.Keys.ToHashSet());
        Assert.InRange(manager.ResidentBytes, 0, 5 * bytes / 2);
        foreach (var info in manager.Adapters)
            manager.Unload(info.Id);

        Assert.Equal(0, manager.ResidentBytes);
        manager.Dispose();
    }

    [Fact]
    public void Leases_outlive_the_manager_on_every_thread()
    {
        var city = new TinyCity(_folder);
        var file = city.Adapter("a", 2, ranks: 64);
        _exact = [[Alone(city, file)]];
        for (var round = 0; round < 20; round++)
        {
            var manager = AdapterManager.Open(city.Inputs());
            manager.Load("a", file);
            var threads = Enumerable.Range(0, 4).Select(seed => Work(seed, _ =>
            {
                try
                {
                    using var lease = manager.Acquire("a");
                    Check(lease.Run(TinyCity.Ones()), 0);
                }
                catch (ObjectDisposedException)
                {
                    // The manager has ended meanwhile; whoever came before goes on.
                }
            }, rounds: 30)).ToList();
            threads.ForEach(thread => thread.Start());
            Thread.Sleep(1);
            manager.Dispose();
            threads.ForEach(thread => thread.Join());
        }

        Assert.Empty(_wrong);
    }

    [Fact]
    public void A_lease_serves_all_threads_until_it_ends_under_them()
    {
        var city = new TinyCity(_folder);
        using var manager = AdapterManager.Open(city.Inputs());
        var file = city.Adapter("a", 2, ranks: 64);
        _exact = [[Alone(city, file)]];
        for (var round = 0; round < 20; round++)
        {
            manager.Load("a", file);
            var lease = manager.Acquire("a");
            manager.Unload("a");
            var threads = Enumerable.Range(0, 4).Select(seed => Work(seed, _ =>
            {
                try
                {
                    Check(lease.Run(TinyCity.Ones()), 0);
                }
                catch (ObjectDisposedException)
                {
                    // It has ended; the runs before it were whole.
                }
            }, rounds: 30)).ToList();
            threads.ForEach(thread => thread.Start());
            Thread.Sleep(1);
            lease.Dispose();
            threads.ForEach(thread => thread.Join());
            Assert.Equal(0, manager.ResidentBytes);
        }

        Assert.Empty(_wrong);
    }

    private static float Alone(TinyCity city, string file)
    {
        using var manager = AdapterManager.Open(city.Inputs());
        manager.Load("a", file);
        return TinyCity.Run(manager, "a")[0];
    }

    private void RunOne(AdapterManager manager, Random random)
    {
        var at = random.Next(Ids.Length);
        Try(() => Check(manager.Run(Ids[at], TinyCity.Ones()), at));
    }

    // A lease does not change under whoever holds it.
    private void RunLease(AdapterManager manager, Random random)
    {
        var at = random.Next(Ids.Length);
        Try(() =>
        {
            using var lease = manager.Acquire(Ids[at]);
            var first = Check(lease.Run(TinyCity.Ones()), at);
            for (var again = 0; again < 5; again++)
            {
                if (Check(lease.Run(TinyCity.Ones()), at) != first)
                    _wrong.Enqueue($"a lease of {Ids[at]} changed");
            }
        });
    }

    private static void Reload(AdapterManager manager, string[][] files, Random random)
    {
        var at = random.Next(Ids.Length);
        manager.Load(Ids[at], files[at][random.Next(files[at].Length)]);
    }

    private float Check(AdapterOutputs outputs, int at)
    {
        using (outputs)
        {
            var value = outputs.Floats("y")[0];
            if (!_exact[at].Contains(value))
                _wrong.Enqueue($"{Ids[at]} gave {value}");

            Interlocked.Increment(ref _runs);
            return value;
        }
    }

    private void Try(Action work)
    {
        try
        {
            work();
        }
        catch (LoraOpsException error)
        {
            _refused.AddOrUpdate(error.Problems[0].Code, 1, (_, count) => count + 1);
        }
    }

    private Thread Work(int seed, Action<Random> work, int rounds = Rounds) => new(() =>
    {
        try
        {
            var random = new Random(seed);
            for (var round = 0; round < rounds; round++)
                work(random);
        }
        catch (Exception error)
        {
            _wrong.Enqueue(error.ToString());
        }
    });
}
