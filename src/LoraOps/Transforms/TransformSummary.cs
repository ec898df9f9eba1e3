namespace LoraOps.Transforms;

/// <summary>What a written adapter holds, and how far it is from what was asked for.</summary>
public sealed record TransformSummary
{
    /// <summary>The folder.</summary>
    public required string Output { get; init; }

    /// <summary>The modules by name.</summary>
    public required IReadOnlyList<ModuleOutcome> Modules { get; init; }

    /// <summary>The parameters that are stored whole: saved modules and biases, by full name.</summary>
    public IReadOnlyList<string> Replaced { get; init; } = [];

    /// <summary>What is odd about it.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The bytes of adapter_model.safetensors' tensors.</summary>
    public long Bytes { get; init; }

    /// <summary>The Frobenius norm over all modules, before they were cut.</summary>
    public double Norm => Math.Sqrt(Modules.Sum(module => module.Norm * module.Norm));

    /// <summary>The Frobenius norm of all that was cut off, relative to <see cref="Norm"/>; 0 for an adapter of zeros.</summary>
    public double Error => Norm > 0 ? Math.Sqrt(Modules.Sum(module => module.Error * module.Norm * module.Error * module.Norm)) / Norm : 0;

    /// <summary>The share of the squared norm that is kept.</summary>
    public double Energy => 1 - (Error * Error);
}
