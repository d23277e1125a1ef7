/** The studio: what threads of the group `render` keep and do. */
import { readFileSync } from 'node:fs';
import { Inject, Provides, token, transfer } from '@turno/core';
import { Body, Controller, Post, Reply } from '@turno/http-adapter';
import handlebars from 'handlebars';
import { Chart, layOut, toPng, type Template } from './chart.js';

export const ChartTemplate = token<Template>('ChartTemplate');

/** Threads of their own: however many charts are wanted, nothing else waits for them. */
export const render = 'render';

export class Studio {
  /** Compiled once in each thread, at its first chart. */
  @Provides(ChartTemplate, { scope: 'thread' })
  static template(): Template {
    return handlebars.compile(readFileSync(`${import.meta.dirname}/chart.svg.hbs`, 'utf8'));
  }
}

@Controller('/charts')
export class Charts {
  /**
   * Not `async`: the body is decoded and checked, the chart drawn, and the picture made in one trip to
   * a thread, which hands its bytes over without copying them. A client that leaves the queue is not
   * waited for, and nor is one whose chart takes too long.
   */
  @Post('/', { threads: render, deadline: 5_000 })
  draw(@Body(Chart) chart: Chart, @Inject(ChartTemplate) template: Template, reply: Reply) {
    reply.header('content-type', 'image/png');
    return transfer(toPng(template(layOut(chart))));
  }
}
