using LoraOps.Runtime.Quantizing;
using Spectre.Console;

namespace LoraOps.Cli.Output;

/// <summary>The stages of a piece of work: bars on a terminal, a line each in a log.</summary>
internal sealed class Stages(ProgressContext? bars, TextWriter? log)
{
    private ProgressTask? _bar;
    private string? _lastLine;

    /// <summary>The same, as the libraries know it.</summary>
    public WorkStages Shown => new(Begin, steps => Reach(steps));

    /// <summary>Starts a stage; the one before it is done.</summary>
    /// <param name="name">What is being done, for people.</param>
    /// <param name="steps">Up to where <see cref="Reach"/> will count; 0 if nobody knows.</param>
    public void Begin(string name, int steps = 0)
    {
        Finish();
        log?.WriteLine(PlainText.Printable(name));
        _bar = bars?.AddTask(Markup.Escape(PlainText.Printable(name)), maxValue: Math.Max(1, steps));
        if (_bar is not null)
            _bar.IsIndeterminate = steps == 0;
    }

    /// <summary>So many steps of the current stage are done.</summary>
    /// <param name="steps">As <see cref="Begin"/> counts them.</param>
    /// <param name="what">What is being done now; a line of its own in a log, each once.</param>
    public void Reach(double steps, string? what = null)
    {
        if (what is not null && what != _lastLine)
        {
            _lastLine = what;
            log?.WriteLine("  " + PlainText.Printable(what));
        }

        if (_bar is null)
            return;

        _bar.Value = steps;
        if (what is not null)
            _bar.Description = Markup.Escape(PlainText.Printable(what));
    }

    /// <summary>The current stage is done.</summary>
    public void Finish()
    {
        if (_bar is not null)
        {
            _bar.IsIndeterminate = false;
            _bar.Value = _bar.MaxValue;
        }
    }
}
