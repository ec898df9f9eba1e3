using LoraOps.Adapters;
using LoraOps.Tensors;
using LoraOps.Writers;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>An adapter that only needs to be made: modules beside each other, written in order, then what is stored whole.</summary>
/// <typeparam name="TModule">What a module is made of.</typeparam>
internal sealed record AdapterJob<TModule>
{
    private const long LargeBytes = 32 << 20;

    /// <summary>The folder of the new adapter.</summary>
    public required string Output { get; init; }

    /// <summary>Replaces an existing output.</summary>
    public required bool Overwrite { get; init; }

    /// <summary>What its config says.</summary>
    public required PeftFields Fields { get; init; }

    /// <summary>What the modules are made of, in the order of the result.</summary>
    public required IReadOnlyList<TModule> Modules { get; init; }

    /// <summary>A module's name.</summary>
    public required Func<TModule, string> NameOf { get; init; }

    /// <summary>Makes one module.</summary>
    public required Func<TModule, (WrittenModule Module, ModuleOutcome Outcome)> Work { get; init; }

    /// <summary>About how many bytes of memory the work on a module takes.</summary>
    public required Func<TModule, long> BytesOf { get; init; }

    /// <summary>The most memory that modules in work may take together; one is always worked on.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The parameters that are stored whole.</summary>
    public IReadOnlyList<Replacement> Replacements { get; init; } = [];

    /// <summary>What is odd about the result.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Makes the adapter; it appears whole or not at all.</summary>
    /// <param name="progress">Told the modules that are done; null if nobody looks.</param>
    /// <param name="stop">Ends the run and leaves nothing.</param>
    /// <exception cref="Problems.LoraOpsException">A value is not finite, or the output cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public TransformSummary Run(Action<int>? progress, CancellationToken stop)
    {
        using var folder = StagedOutput.ForFolder(Output, Overwrite);
        var outcomes = new List<ModuleOutcome>(Modules.Count);
        long bytes;
        using (var output = new PeftOutput(folder.Path, Fields, Modules.Select(NameOf).Concat(Replacements.Select(replacement => replacement.FullName))))
        {
            // The widest type comes first, so that every tensor begins at a multiple of its elements' size.
            Put(output, replacement => replacement.Value.Type.Bits() >= Fields.Type.Bits());

            void Take((WrittenModule Module, ModuleOutcome Outcome) done)
            {
                output.Add(done.Module);
                outcomes.Add(done.Outcome);
                progress?.Invoke(outcomes.Count);
            }

            var largest = Modules.Select(BytesOf).DefaultIfEmpty(1).Max();
            OrderedWork.Run(Modules, Worked, Take, OrderedWork.Workers(largest, MemoryBytes), stop);
            Put(output, replacement => replacement.Value.Type.Bits() < Fields.Type.Bits());
            output.Finish();
            bytes = output.Bytes;
        }

        folder.Commit();
        return new TransformSummary
        {
            Output = Output,
            Modules = outcomes,
            Replaced = [.. Replacements.Select(replacement => replacement.FullName)],
            Warnings = Warnings,
            Bytes = bytes,
        };
    }

    private (WrittenModule Module, ModuleOutcome Outcome) Worked(TModule module)
    {
        var done = Work(module);

        // Beside arrays of this size the runtime would let a gigabyte of smaller ones wait.
        if (BytesOf(module) > LargeBytes)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);

        return done;
    }

    private void Put(PeftOutput output, Func<Replacement, bool> isDue)
    {
        foreach (var replacement in Replacements.Where(isDue).OrderByDescending(replacement => replacement.Value.Type.Bits()))
            output.Add(replacement);
    }
}
