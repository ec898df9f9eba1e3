using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace LoraOps.Benchmarks;

/// <summary>
/// <c>loraops merge</c> of a large checkpoint beside <c>cp -r</c> and a copy through the process with two threads, in turns of
/// one run: with the files in the cache and without. Medians of the wall time, the most of the resident memory.
/// </summary>
internal sealed class MergeTiming(string folder, string command, TextWriter output)
{
    private const int BlockBytes = 1 << 20;

    private string Base => Path.Combine(folder, "base");

    private string Copy => Path.Combine(folder, "copy");

    private string Merged => Path.Combine(folder, "merged");

    /// <summary>Makes the checkpoint and the adapters and measures.</summary>
    /// <param name="bytes">The size of the checkpoint.</param>
    /// <param name="shards">Its files.</param>
    /// <param name="rank">The rank of the adapters.</param>
    /// <param name="methods">The methods; the first is timed beside the copies.</param>
    /// <param name="rounds">How often each is done.</param>
    public void Run(long bytes, int shards, int rank, IReadOnlyList<string> methods, int rounds)
    {
        var blocks = LlamaCheckpoint.Write(Base, bytes, shards);
        foreach (var method in methods)
            BenchmarkAdapter.Write(Path.Combine(folder, method), method, blocks, rank);

        var size = Directory.GetFiles(Base).Sum(file => new FileInfo(file).Length);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{size / 1e9:F2} GB in {shards} files, {blocks} blocks, rank {rank}, {rounds} rounds, medians"));
        foreach (var isCached in (bool[])[true, false])
            Compare(isCached, methods, rounds, size);
    }

    private void Compare(bool isCached, IReadOnlyList<string> methods, int rounds, long size)
    {
        var rivals = new List<(string Name, Func<long> Run)>
        {
            ("cp -r", () => Start("cp", ["-r", Base, Copy])),
            ("pread/pwrite, 2 threads", CopyByTwo),
        };
        rivals.AddRange(methods.Select(method => ($"loraops merge, {method}", (Func<long>)(() =>
            Start(command, ["merge", "--base", Base, "--adapter", Path.Combine(folder, method), "-o", Merged, "-q"])))));
        var times = rivals.ConvertAll(_ => new List<double>());
        var memory = new long[rivals.Count];
        for (var round = 0; round < rounds; round++)
        {
            for (var index = 0; index < rivals.Count; index++)
            {
                Clean(isCached);
                var begin = Stopwatch.GetTimestamp();
                memory[index] = Math.Max(memory[index], rivals[index].Run());
                times[index].Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
            }
        }

        output.WriteLine(isCached ? "files in the cache" : "files not in the cache");
        for (var index = 0; index < rivals.Count; index++)
        {
            var median = times[index].Order().ElementAt(rounds / 2);
            var ratio = median / times[0].Order().ElementAt(rounds / 2);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {rivals[index].Name,-26} {median,7:F2} s  {ratio,5:F2} x cp  {2 * size / median / 1e9,5:F1} GB/s  {memory[index] / 1e6,5:F0} MB"));
        }
    }

    // What was written must be on the disk before the next one is timed, and the inputs where they are wanted.
    private void Clean(bool isCached)
    {
        foreach (var made in new[] { Copy, Merged }.Where(Directory.Exists))
            Directory.Delete(made, recursive: true);

        Start("sync", []);
        foreach (var file in Directory.GetFiles(folder, "*.safetensors", SearchOption.AllDirectories))
            Start("dd", isCached ? [$"if={file}", "of=/dev/null", "bs=4M", "status=none"] : [$"if={file}", "iflag=nocache", "count=0", "status=none"]);
    }

    private long CopyByTwo()
    {
        Directory.CreateDirectory(Copy);
        foreach (var file in Directory.GetFiles(Base))
        {
            using var source = File.OpenHandle(file);
            using var target = File.OpenHandle(Path.Combine(Copy, Path.GetFileName(file)), FileMode.CreateNew, FileAccess.Write);
            var next = -1L;
            Parallel.For(0, 2, _ => CopyBlocks(source, target, ref next));
        }

        return 0;
    }

    private static void CopyBlocks(SafeFileHandle source, SafeFileHandle target, ref long next)
    {
        var block = new byte[BlockBytes];
        while (true)
        {
            var at = Interlocked.Increment(ref next) * BlockBytes;
            var read = RandomAccess.Read(source, block, at);
            if (read == 0)
                return;

            RandomAccess.Write(target, block.AsSpan(0, read), at);
        }
    }

    private static long Start(string file, string[] arguments) => MeasuredProcess.Run(file, arguments).PeakBytes;
}
