using System.Globalization;
using LoraOps.Runtime.Quantizing;
using Spectre.Console;

namespace LoraOps.Cli.Output;

/// <summary>The stages of a piece of work, with an estimate of what is left: bars on a terminal, a line each and now and then one more in a log.</summary>
/// <param name="bars">The terminal's bars, or null.</param>
/// <param name="log">Where lines go, or null.</param>
/// <param name="time">The clock that estimates are made with; the system's if left out.</param>
internal sealed class Stages(ProgressContext? bars, TextWriter? log, TimeProvider? time = null)
{
    // A line that says how far a stage is: not before so long, and of a long one not before so much more is done.
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(10);
    private const double ShareOfSteps = 0.1;
    private const double Rounding = 1e-9;

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private ProgressTask? _bar;
    private string? _lastLine;
    private int _steps;
    private long _begin;
    private long _told;
    private double _toldShare;

    /// <summary>The same, as the libraries know it.</summary>
    public WorkStages Shown => new(Begin, steps => Reach(steps));

    /// <summary>Starts a stage; the one before it is done.</summary>
    /// <param name="name">What is being done, for people.</param>
    /// <param name="steps">Up to where <see cref="Reach"/> will count; 0 if nobody knows.</param>
    public void Begin(string name, int steps = 0)
    {
        Finish();
        (_steps, _begin, _toldShare) = (steps, _time.GetTimestamp(), 0);
        _told = _begin;
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

        Estimate(steps);
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

    // What is left takes as long for each step as what is done.
    private void Estimate(double steps)
    {
        if (log is null || _steps == 0 || steps <= 0 || steps >= _steps)
            return;

        var share = steps / _steps;
        if (_time.GetElapsedTime(_told) < Shortest || share - _toldShare < ShareOfSteps - Rounding)
            return;

        var left = _time.GetElapsedTime(_begin) * ((1 - share) / share);
        (_told, _toldShare) = (_time.GetTimestamp(), share);
        log.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {share:P0} done, about {Words(left)} left"));
    }

    private static string Words(TimeSpan left) => left < TimeSpan.FromMinutes(2)
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(left.TotalSeconds):F0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(left.TotalMinutes):F0} min");
}
